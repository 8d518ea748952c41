package contoso_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// Nothing but keys, as a keyboard sends them to whatever has the focus.
func TestDesk_from_the_queue_to_the_end_by_keys_alone(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	first := h.open(t, `{"user":{"name":"Alex"}}`)
	h.open(t, `{"user":{"name":"Bo"}}`)
	page := browsertest.Open(t, h.url)
	keys := func(keys string) {
		t.Helper()
		page.Do(chromedp.KeyEvent(keys))
	}
	page.Wait(itemCount, "2")
	page.Press("j")
	page.Press("j") // at once: it counts from where the first one goes
	page.Wait(`document.querySelector("#thread-name").textContent`, "Bo")
	page.Press("k")
	page.Wait(`document.querySelector("#thread-name").textContent`, "Alex") // the address is ahead of it
	page.Wait(`location.hash`, "#"+first)
	page.Wait(focused, "scroller")
	page.Press("a")
	shows(page, lastNote, "joined")
	page.Press("n")
	page.Wait(focused, "note-text")
	keys("called the depot" + kb.Tab)
	page.Enter(0)
	page.Wait(`document.querySelector("#notes .words")?.textContent`, "called the depot")
	page.Press("c")
	page.Wait(focused, "draft")
	page.Wait(`document.querySelectorAll("#canned li").length`, "3")
	keys("bye")
	page.Enter(0)
	page.Wait(draft, "Thank you for writing to us, Alex. Goodbye!")
	page.Enter(0)
	page.Wait(lastState, "true")
	keys("hello")
	page.Enter(0)
	page.Wait(lastWords, "hello")
	page.Wait(lastState, "true")
	keys(kb.Escape)
	page.Wait(focused, "scroller")
	page.Press("t")
	page.Wait(focused, "transfer-kind")
	keys(kb.Tab + "Cy")
	page.Enter(0)
	shows(page, lastNote, "transferred the conversation to Cy")
	page.Wait(transferOpen, "false")
	page.Do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	page.Wait(focused, "palette")
	keys("take back")
	page.Enter(0)
	shows(page, lastNote, "joined")
	page.Press("e")
	page.Wait(focused, "end-reason")
	keys("solved" + kb.Tab + "It was the fuse." + kb.Tab + kb.Tab)
	page.Wait(focused, "end-confirm")
	page.Enter(0)
	page.Wait(`document.querySelector("#ended-note").hidden`, "false")
	peer.until(t, "ended")
	var ends []string
	for _, p := range peer.all() {
		if p.Event == "ended" {
			ends = append(ends, p.Reason)
		}
	}
	if diff := cmp.Diff([]string{"solved"}, ends); diff != "" {
		t.Error(diff)
	}
}

// inView tells whether all of an element can be seen.
func inView(selector string) string {
	return `(({ top, left, right, bottom }) => top >= 0 && left >= 0 && right <= innerWidth && bottom <= innerHeight)(document.querySelector("` +
		selector + `").getBoundingClientRect())`
}

// At 200 % a window of 1280 by 800 is one of 640 by 400; at 400 %, 320 wide.
func TestDesk_loses_nothing_when_it_is_zoomed(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.full(t)
	h.report(t, id, h.say(t, id, "It comes tomorrow."), "unknown")
	h.report(t, id, "", "unreachable")
	page := browsertest.Open(t, h.url+"/#"+id)
	shows(page, `document.querySelector("#log").innerText`, "Not certain")
	for _, window := range []struct {
		name          string
		width, height int64
	}{{"200 %", 640, 400}, {"320 px", 320, 640}} {
		page.Do(chromedp.EmulateViewport(window.width, window.height))
		for _, place := range []string{"", "#" + id, "#" + id + "/details"} {
			page.Eval(`location.hash = "` + place + `"`)
			page.Wait(`[location.hash, document.documentElement.scrollWidth <= innerWidth]`, place+",true")
		}
		page.Eval(`location.hash = "` + id + `"`)
		for _, needed := range []string{"#draft", "#composer .primary", "#emoji-button", "#attach", "#end", "#transfer", "#presence", "#settings", ".back"} {
			page.Wait(inView(needed), "true")
		}
		page.Wait(`document.querySelector("#scroller").clientHeight >= 48`, "true")
		page.Wait(`(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 80)(document.querySelector("#scroller"))`, "true")
		for _, dialog := range []string{"settings", "canned", "keys", "palette", "end", "transfer", "edit"} {
			page.Eval(`document.querySelector("#` + dialog + `-dialog").showModal()`)
			page.Wait(inView("#"+dialog+"-dialog"), "true")
			page.Eval(`document.querySelector("#` + dialog + `-dialog").close()`)
		}
		page.Click("#emoji-button")
		page.Wait(inView("#emoji-picker"), "true")
		page.Click("#emoji-button")
		if found := page.Audit(); found != "" {
			t.Errorf("%s: %s", window.name, found)
		}
	}
}

func TestDesk_moves_nothing_for_who_wants_that(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	h.open(t, `{"user":{"name":"Alex"}}`)
	page := browsertest.Open(t, h.url)
	page.Wait(itemCount, "1")
	const moves = `[...document.querySelectorAll("*")].some(n => getComputedStyle(n).transitionDuration !== "0s" || getComputedStyle(n).animationName !== "none")`
	page.Wait(moves, "true")
	page.Prefer("prefers-reduced-motion", "reduce")
	page.Wait(moves, "false")
}
