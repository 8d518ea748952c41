package contoso_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// Every state of the page fits a phone, from left to right and from right to left.
// With TEST_LOOK it is there to be looked at.
func TestDesk_every_state_fits_a_phone(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.full(t)
	h.report(t, id, h.say(t, id, "It left the depot this morning."), "failed")
	h.report(t, id, h.say(t, id, "It comes tomorrow."), "unknown")
	h.hear(t, id, "And where is my invoice?")
	over := h.open(t, `{"user":{"name":"Lee Gu"},"problem":"A new badge"}`)
	h.say(t, over, "It is at the reception.")
	h.ok(t, deed(over, "end", `{"sender":"Ana","reason":"solved","summary":"The badge is made."}`), nil)
	h.ok(t, deed(id, "typing", `{"sender":"Bo"}`), nil)
	show := func(dialog string) string { return `document.querySelector("#` + dialog + `-dialog").showModal()` }
	states := []struct{ name, hash, do string }{
		{"list", "", ""},
		{"thread", id, ""},
		{"handover", id, `document.querySelector("#handover summary").click()`},
		{"details", id + "/details", ""},
		{"ended", over, ""},
		{"emoji-open", id, `document.querySelector("#emoji-button").click()`},
		{"canned-offer", id, `(() => { const d = document.querySelector("#draft"); d.focus(); d.value = "/"; d.dispatchEvent(new Event("input")); })()`},
		{"end", id, `document.querySelector("#end").click()`},
		{"transfer", id, `document.querySelector("#transfer").click()`},
		{"settings", id, show("settings")},
		{"keys", id, `document.querySelector("#show-keys").click()`},
		{"palette", id, `dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }))`},
		{"undo", id, `(() => { globalThis.setTimeout = () => 0; document.querySelector("#end").click(); document.querySelector("#end-confirm").click(); })()`},
	}
	page := browsertest.Open(t, h.url)
	for _, language := range []string{"en", "ar"} {
		page.Eval(`localStorage.setItem("language", "` + language + `"), localStorage.setItem("agent name", "Ana")`)
		for _, state := range states {
			page.Do(chromedp.EmulateViewport(390, 780), chromedp.Navigate("about:blank"), chromedp.Navigate(h.url+"/#"+state.hash))
			page.Wait(`[document.documentElement?.lang, document.querySelectorAll(".item").length]`, language+",2")
			if state.hash != "" {
				page.Wait(`document.querySelectorAll("#log .line").length > 0`, "true")
			}
			if state.do != "" {
				page.Eval(state.do)
			}
			page.Wait(`document.documentElement.scrollWidth <= innerWidth`, "true")
			picture(t, page, "state-"+state.name+"-"+language)
			page.Eval(`(document.querySelector("#undo-button").click(), sessionStorage.clear())`) // nothing is to end, and no draft stays
		}
	}
}
