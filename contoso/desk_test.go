package contoso_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// shift is held down, in the DevTools protocol's bits.
const shift = 8

// press presses Enter as a keyboard does: the line break comes with the key
// unless the page refuses the key.
func (t tab) press(modifiers int64) {
	t.tb.Helper()
	for _, kind := range []input.DispatchKeyEventType{"keyDown", "keyUp"} {
		key := input.DispatchKeyEventParams{
			Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, Modifiers: modifiers,
		}
		if kind == "keyDown" {
			key.Text = "\r"
		}
		t.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, input.DispatchKeyEvent, key)
			return err
		}))
	}
}

// What the page shows.
const (
	title      = `document.title`
	item       = `document.querySelector(".item")?.innerText.includes("Alex Wilber")`
	lines      = `document.querySelectorAll("#log .line").length`
	lastWords  = `[...document.querySelectorAll("#log .words")].at(-1)?.textContent`
	lastState  = `[...document.querySelectorAll("#log .line .meta")].at(-1)?.innerText.includes("Sent")`
	connection = `document.querySelector("#connection").textContent`
	draft      = `document.querySelector("#draft").value`
)

func TestDesk_an_agent_answers_and_ends(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	page := browse(t, h.url)
	page.until(`document.querySelector("#no-conversations").hidden`, "false")

	id := h.open(t, `{"user":{"name":"Alex Wilber","timeZone":"Europe/Berlin"},"problem":"printer","variables":{"Floor":"3"}}`)
	h.hear(t, id, "hello <b>there</b>")
	page.until(item, "true")
	page.until(title, "(1) Contoso Live Chat")
	page.do(chromedp.Click(".item"))
	page.until(lastWords, "hello <b>there</b>")
	page.until(title, "Contoso Live Chat")
	page.until(`document.querySelector("#facts").innerText.includes("Floor")`, "true")

	page.do(chromedp.SetValue("#agent-name", "Ana"))
	page.do(chromedp.SendKeys("#draft", "first line"))
	page.press(shift)
	page.do(chromedp.SendKeys("#draft", "second line"))
	page.until(draft, "first line\nsecond line")
	page.press(0)
	page.until(lastWords, "first line\nsecond line")
	page.until(lastState, "true")
	page.until(draft, "")

	page.do(chromedp.SendKeys("#draft", "by the button"))
	page.eval(`(() => { const b = document.querySelector("#composer button"); b.click(); b.click(); })()`)
	page.until(lastWords, "by the button")
	page.until(lastState, "true")
	page.until(lines, "3")

	page.do(chromedp.Click("#end"), chromedp.SendKeys("#end-reason", "solved"), chromedp.Click("#end-confirm"))
	page.until(`document.querySelector("#ended-note").hidden`, "false")
	page.until(`document.querySelector("#composer").hidden`, "true")

	want := []said{
		{Message: "hello <b>there</b>", Sender: "Alex Wilber", From: "user"},
		{Message: "first line\nsecond line", Sender: "Ana", From: "agent", State: "sent"},
		{Message: "by the button", Sender: "Ana", From: "agent", State: "sent"},
	}
	volatile := cmpopts.IgnoreFields(said{}, "ConversationID", "ID", "Timestamp")
	if diff := cmp.Diff(want, h.messages(t, "?conversationId="+id), volatile); diff != "" {
		t.Error(diff)
	}
	got := peer.wait(t, 4)
	if last := got[3]; last.Event != "ended" || last.Reason != "solved" {
		t.Errorf("got %+v, want the end and its reason", last)
	}
}

func TestDesk_misses_nothing_over_a_restart(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	config := contoso.Config{WebhookURL: peer.url}
	db := pgtest.DB(t, contoso.Schema())
	first := run(t, db, config)
	id := first.open(t, `{"user":{"name":"Alex Wilber"}}`)
	first.hear(t, id, "before")
	page := browse(t, first.url+"/#"+id)
	page.until(lastWords, "before")
	first.stop()
	page.until(connection, "Reconnecting…")
	page.do(chromedp.SendKeys("#draft", "written without a server"))
	page.press(0)
	page.until(`document.querySelector(".again")?.innerText`, "Send again")
	page.do(chromedp.SendKeys("#draft", "half a thou"))

	elsewhere := run(t, db, config)
	elsewhere.hear(t, id, "meanwhile")
	serve(t, &contoso.App{DB: db, Config: config}, strings.TrimPrefix(first.url, "http://"))
	page.until(`[...document.querySelectorAll("#log .user .words")].at(-1)?.textContent`, "meanwhile")
	page.until(connection, "")
	page.do(chromedp.Click(".again"))
	page.until(lastState, "true")
	page.until(lastWords, "written without a server")
	page.until(lines, "3")

	page.do(chromedp.Reload())
	page.until(lines, "3")
	page.until(draft, "half a thou")
}

func TestDesk_page_has_no_inline_code_and_says_so(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	page := h.do(t, call{method: http.MethodGet, path: "/"})
	for _, bad := range []string{"<style", "style=", "<script>", " onclick", "http://", "https://"} {
		if strings.Contains(page.text, bad) {
			t.Errorf("the page contains %s", bad)
		}
	}
	for _, file := range []string{"main.js", "base.css", "favicon.svg"} {
		if got := h.do(t, call{method: http.MethodGet, path: "/" + file}); got.status != http.StatusOK {
			t.Errorf("%s: status %d", file, got.status)
		}
	}
}
