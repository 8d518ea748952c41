package contoso_test

import (
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// full starts a conversation with something in every part of the page.
func (h hub) full(tb testing.TB) string {
	tb.Helper()
	id := h.open(tb, `{"user":{"name":"Alex Wilber","email":"alexw@contoso.example","locale":"de-DE","timeZone":"Europe/Berlin","id":"29:1a"},
		"problem":"My order 4711 has not arrived","summary":"Wants to know where it is","channel":"msteams","reference":"R-7","variables":{"Order":"4711"},
		"transcript":[{"side":"user","text":"Where is my order?"},{"side":"copilot","text":"Let me get a person."}]}`)
	h.hear(tb, id, "Hello? See https://contoso.example/orders/4711")
	h.ok(tb, call{path: "/api/desk/conversations/" + id + "/notes", body: `{"sender":"Ana","text":"Called the depot."}`}, nil)
	h.say(tb, id, "Hello Alex, I am looking into it.")
	h.hear(tb, id, "Thank you!")
	h.open(tb, `{"user":{"name":"Megan Bowen"},"problem":"The printer burns"}`)
	return id
}

func TestDesk_has_nothing_that_WCAG_refuses(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.full(t)
	page := browsertest.Open(t, h.url)
	page.Wait(itemCount, "2")
	audit := func(state string) {
		t.Helper()
		if found := page.Audit(); found != "" {
			t.Errorf("%s: %s", state, found)
		}
	}
	audit("the list")
	page.Eval(`location.hash = "` + id + `"`)
	page.Wait(lastWords, "Thank you!")
	page.Click("#handover summary")
	audit("a conversation")
	for _, dialog := range []string{"settings", "canned", "keys", "palette", "end", "transfer", "return", "edit"} {
		page.Eval(`document.querySelector("#` + dialog + `-dialog").showModal()`)
		audit(dialog)
		page.Eval(`document.querySelector("#` + dialog + `-dialog").close()`)
	}
	page.Picture(filepath.Join(t.TempDir(), "dark.png"), "dark", 1280, 800)
	audit("dark colours")
	page.Do(chromedp.EmulateViewport(320, 640))
	page.Wait(`document.documentElement.scrollWidth`, "320")
	audit("a narrow screen")
}

func TestDesk_speaks_the_agents_language(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.full(t)
	page := browsertest.Open(t, h.url+"/#"+id)
	page.Wait(lastWords, "Thank you!")
	for _, language := range []struct{ code, dir, mine, send, joined string }{
		{"de", "ltr", "Meine", "Senden", "ist dem Gespräch beigetreten"},
		{"ja", "ltr", "自分", "送信", "が会話に参加しました"},
		{"ar", "rtl", "محادثاتي", "إرسال", "إلى المحادثة"},
		{"en", "ltr", "Mine", "Send", "joined the conversation"},
	} {
		page.Eval(`(() => {
			const choice = document.querySelector("#language");
			choice.value = "` + language.code + `";
			choice.dispatchEvent(new Event("change"));
		})()`)
		page.Wait(`document.documentElement?.lang + document.documentElement?.dir`, language.code+language.dir)
		page.Wait(lastWords, "Thank you!")
		shows(page, `document.querySelector('[data-filter="mine"]')?.textContent`, language.mine)
		page.Wait(`document.querySelector("#composer .primary").textContent`, language.send)
		shows(page, lastNote, language.joined)
		picture(t, page, "desk-"+language.code)
	}
}
