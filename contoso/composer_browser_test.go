package contoso_test

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// paste gives the draft a file as the clipboard would.
const paste = `(() => {
	const given = new DataTransfer();
	given.items.add(new File([Uint8Array.from(atob("` + onePixel + `"), c => c.charCodeAt(0))], "dot.png", { type: "image/png" }));
	document.querySelector("#draft").dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true }));
})()`

const onePixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func TestDesk_composer_fills_in_canned_replies_and_shows_pictures(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, `{"user":{"name":"Alex <b>"}}`)
	page := browsertest.Open(t, h.url+"/#"+id)
	page.Do(chromedp.SetValue("#agent-name", "Ana"))
	page.Wait(`document.querySelector("#composer").checkVisibility()`, "true")
	page.Type("#draft", "/hel")
	page.Wait(`document.querySelectorAll("#canned li").length`, "1")
	page.Enter(0)
	page.Wait(draft, "Hello Alex <b>, this is Ana. I am looking into it.")
	page.Wait(`document.querySelector("#canned").hidden`, "true")
	page.Enter(0)
	page.Wait(lastWords, "Hello Alex <b>, this is Ana. I am looking into it.")
	page.Eval(paste)
	page.Wait(`document.querySelector("#log .picture")?.naturalWidth`, "1")
	page.Wait(`document.querySelector("#uploads").hidden`, "true")
	h.hear(t, id, "see https://contoso.example/a?b=1. or javascript:alert(1)")
	page.Wait(`document.querySelector("#log .user .link")?.href`, "https://contoso.example/a?b=1")
	page.Wait(`document.querySelectorAll("#log .link").length`, "1")
}

func TestDesk_refused_words_are_sent_again(t *testing.T) {
	t.Parallel()
	peer := receive(t, func(n int, _ posted, w http.ResponseWriter) {
		if n == 2 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	h.say(t, id, "hello")
	page := browsertest.Open(t, h.url+"/#"+id)
	shows(page, `document.querySelector("#log .agent .meta")?.textContent`, "Not delivered")
	page.Click("#log .again")
	page.Wait(lastState, "true")
}

func TestDesk_the_whole_job_by_keyboard(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	first := h.open(t, `{"user":{"name":"Alex"}}`)
	second := h.open(t, `{"user":{"name":"Bo"}}`)
	page := browsertest.Open(t, h.url)
	press := func(character string) {
		t.Helper()
		page.Eval(`document.activeElement.blur()`)
		page.Press(character)
	}
	page.Wait(itemCount, "2")
	press("j")
	page.Wait(`document.querySelector("#thread-name").textContent`, "Alex") // the address is ahead of it
	press("a")
	shows(page, lastNote, "joined")
	press("n")
	page.Wait(`document.activeElement.id`, "note-text")
	page.Type("#note-text", "be <i>kind</i>"+kb.Tab+kb.Enter)
	page.Wait(`document.querySelector("#notes .words")?.textContent`, "be <i>kind</i>")
	press("r")
	page.Wait(`document.activeElement.id`, "draft")
	page.Type("#draft", "hello")
	page.Enter(0)
	page.Wait(lastWords, "hello")
	press("e")
	page.Wait(`document.querySelector("#end-dialog").open`, "true")
	decided := hesitate(page)
	page.Enter(0) // in the field of the reason
	page.Wait(`document.querySelector("#undo").hidden`, "false")
	page.Click("#undo-button")
	page.Wait(`document.querySelector("#undo").hidden`, "true")
	decided()
	press("x")
	page.Enter(0)
	page.Wait(`location.hash`, "#"+second)
	eventually(t, "the end", func() bool { return h.standing(t, first).State == "ended" })
	page.Eval(`document.querySelector("#draft").focus()`)
	page.Press("?")
	page.Wait(draft, "?")
	press("?")
	page.Wait(`document.querySelector("#keys-dialog").open`, "true")
}

// hesitate gives the agent all the time to undo something, until that is decided.
func hesitate(page browsertest.Tab) (decided func()) {
	page.Eval(`(() => {
		const { setTimeout } = globalThis;
		globalThis.setTimeout = (work, ms, ...rest) => (ms < 5000 ? setTimeout(work, ms, ...rest) : 0);
		globalThis.decided = () => { globalThis.setTimeout = setTimeout; };
	})()`)
	return func() { page.Eval(`globalThis.decided()`) }
}

func TestDesk_an_end_outlives_the_page(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	h.say(t, id, "hello")
	page := browsertest.Open(t, h.url+"/#"+id)
	page.Wait(lastWords, "hello")
	page.Click("#end")
	page.Click("#end-confirm")
	page.Wait(`document.querySelector("#undo").hidden`, "false")
	page.Do(chromedp.Navigate("about:blank"))
	eventually(t, "the end", func() bool { return h.standing(t, id).State == "ended" })
}

// drop lets a file fall onto the thread, as a pointer would.
const drop = `(() => {
	const given = new DataTransfer();
	given.items.add(new File(["all is well"], "report.txt", { type: "text/plain" }));
	document.querySelector("#scroller").dispatchEvent(new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }));
})()`

func TestDesk_a_dropped_file_shows_how_far_it_is_and_can_be_cancelled(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	page := browsertest.Open(t, h.url+"/#"+id)
	page.Wait(`document.querySelector("#composer").checkVisibility()`, "true")
	page.Eval(`(globalThis.sent = XMLHttpRequest.prototype.send, XMLHttpRequest.prototype.send = () => {})`) // a line that is cut
	page.Eval(drop)
	page.Wait(`document.querySelector("#uploads progress").ariaLabel`, "Sending report.txt")
	page.Click(`#uploads [aria-label="Cancel report.txt"]`)
	page.Wait(`document.querySelector("#uploads").hidden`, "true")
	page.Eval(`XMLHttpRequest.prototype.send = globalThis.sent`)
	page.Eval(drop)
	page.Wait(fileName, "report.txt")
	if got := h.messages(t, "?conversationId="+id); len(got) != 1 {
		t.Errorf("%d files came, want the one that was not cancelled", len(got))
	}
}
