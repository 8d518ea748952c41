package contoso_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/steady"
)

// What the page shows.
const (
	title      = `document.title`
	item       = `document.querySelector(".item")?.innerText.includes("Alex Wilber")`
	lines      = `document.querySelectorAll("#log .line").length`
	lastWords  = `[...document.querySelectorAll("#log .words")].at(-1)?.textContent`
	lastState  = `[...document.querySelectorAll("#log .line .meta")].at(-1)?.innerText.includes("Sent")`
	connection = `document.querySelector("#connection").textContent`
	draft      = `document.querySelector("#draft")?.value`
)

func TestDesk_an_agent_answers_and_ends(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	page := browsertest.Open(t, h.url)
	page.Wait(`document.querySelector("#no-conversations").hidden`, "false")

	id := h.open(t, `{"user":{"name":"Alex Wilber","timeZone":"Europe/Berlin"},"problem":"printer","variables":{"Floor":"3"}}`)
	h.hear(t, id, "hello <b>there</b>")
	page.Wait(item, "true")
	page.Wait(title, "(1) Contoso Live Chat")
	page.Click(".item")
	page.Wait(lastWords, "hello <b>there</b>")
	page.Wait(title, "Contoso Live Chat")
	page.Wait(`document.querySelector("#facts").innerText.includes("Floor")`, "true")

	page.Do(chromedp.SetValue("#agent-name", "Ana"))
	page.Type("#draft", "first line")
	page.Enter(browsertest.Shift)
	page.Type("#draft", "second line")
	page.Wait(draft, "first line\nsecond line")
	page.Enter(0)
	page.Wait(lastWords, "first line\nsecond line")
	page.Wait(lastState, "true")
	page.Wait(draft, "")

	page.Type("#draft", "by the button")
	page.Eval(`(() => { const b = document.querySelector("#composer .primary"); b.click(); b.click(); })()`)
	page.Wait(lastWords, "by the button")
	page.Wait(lastState, "true")
	page.Wait(lines, "3")

	page.Click("#end")
	page.Type("#end-reason", "solved")
	page.Click("#end-confirm")
	page.Wait(`document.querySelector("#ended-note").hidden`, "false")
	page.Wait(`document.querySelector("#composer").hidden`, "true")

	want := []said{
		{Message: "hello <b>there</b>", Sender: "Alex Wilber", From: "user"},
		{Message: "first line\nsecond line", Sender: "Ana", From: "agent", State: "sent"},
		{Message: "by the button", Sender: "Ana", From: "agent", State: "sent"},
	}
	volatile := cmpopts.IgnoreFields(said{}, "ConversationID", "ID", "Timestamp", "Sequence")
	if diff := cmp.Diff(want, h.messages(t, "?conversationId="+id), volatile); diff != "" {
		t.Error(diff)
	}
	if got := peer.until(t, "ended"); got.Reason != "solved" {
		t.Errorf("got %+v, want the end's reason", got)
	}
}

func TestDesk_misses_nothing_over_a_restart(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	config := contoso.Config{WebhookURL: peer.url}
	db := pgtest.DB(t, contoso.Schema())
	first := serve(t, &contoso.App{DB: db, Config: config}, steady.Address(t.Context()))
	id := first.open(t, `{"user":{"name":"Alex Wilber"}}`)
	first.hear(t, id, "before")
	page := browsertest.Open(t, first.url+"/#"+id)
	page.Wait(lastWords, "before")
	first.stop()
	page.Wait(connection, "Reconnecting…")
	page.Type("#draft", "written without a server")
	page.Enter(0)
	page.Wait(`document.querySelector(".again")?.innerText`, "Send again")
	page.Type("#draft", "half a thou")

	elsewhere := run(t, db, config)
	elsewhere.hear(t, id, "meanwhile")
	serve(t, &contoso.App{DB: db, Config: config}, strings.TrimPrefix(first.url, "http://"))
	page.Wait(`[...document.querySelectorAll("#log .user .words")].at(-1)?.textContent`, "meanwhile")
	page.Wait(connection, "")
	page.Click(".again")
	page.Wait(lastState, "true")
	page.Wait(lastWords, "written without a server")
	page.Wait(lines, "3")

	page.Do(chromedp.Reload())
	page.Wait(lines, "3")
	page.Wait(draft, "half a thou")
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
