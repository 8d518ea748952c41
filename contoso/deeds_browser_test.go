package contoso_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// What the page shows.
const (
	facts    = `document.querySelector("#facts").innerText`
	lastNote = `[...document.querySelectorAll("#log .note")].at(-1)?.textContent`
	editOpen = `document.querySelector("#edit-dialog").open` // until the server has answered, which may be after the change shows
	fileName = `[...document.querySelectorAll("#log .file")].at(-1)?.firstChild.textContent`
)

// pick chooses a file as the file dialog would.
const pick = `(() => {
	const given = new DataTransfer();
	given.items.add(new File(["all is well"], "report <b>.txt", { type: "text/plain" }));
	const input = document.querySelector("#attach-file");
	input.files = given.files;
	input.dispatchEvent(new Event("change"));
})()`

const transferOpen = `document.querySelector("#transfer-dialog").open`

func includes(expression, text string) string { return expression + `?.includes("` + text + `")` }

func shows(page browsertest.Tab, expression, text string) {
	page.Wait(includes(expression, text), "true")
}

func TestDesk_shows_what_was_before(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, `{"user":{"name":"Alex Wilber"},"problem":"printer","summary":"It <b>burns</b>","queue":"hardware","skills":["fire"],"priority":2,
		"transcript":[{"sender":"Alex","side":"user","text":"help <i>me</i>","at":"2026-11-20T20:52:04Z"},{"side":"copilot","text":"try water"}],
		"earlier":[{"reference":"R-41","openedAt":"2026-11-19T10:00:00Z","problem":"paper jam","endedBy":"agent"}]}`)
	page := browsertest.Open(t, h.url+"/#"+id)
	for _, text := range []string{"It <b>burns</b>", "paper jam", "R-41", "hardware", "fire"} {
		shows(page, facts, text)
	}
	page.Wait(`document.querySelector("#handover details").open`, "false")
	page.Click("#handover summary")
	for _, text := range []string{"help <i>me</i>", "Copilot", "try water", "Handed over here"} {
		shows(page, `document.querySelector("#handover").innerText`, text)
	}
	h.ok(t, call{path: "/api/chat/rate", body: `{"conversationId":"` + id + `","score":4,"comment":"<u>quick</u>"}`}, nil)
	shows(page, facts, "4 of 5: <u>quick</u>")
}

func TestDesk_an_agent_joins_writes_changes_and_gives(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, `{"user":{"name":"Alex Wilber"}}`)
	page := browsertest.Open(t, h.url+"/#"+id)
	page.Do(chromedp.SetValue("#agent-name", "Ana"))
	page.Click("#join")
	shows(page, lastNote, "Ana joined")
	page.Wait(`document.querySelector("#join").hidden`, "true")
	h.ok(t, call{path: "/api/chat/typing", body: `{"conversationId":"` + id + `"}`}, nil)
	page.Wait(`document.querySelector("#user-typing").textContent`, "Alex Wilber is typing…")
	peer.wait(t, 1)
	eventually(t, "the first webhook to be settled", func() bool {
		return h.messages(t, "?system=true&conversationId="+id)[0].State == "sent"
	})

	page.Type("#draft", "helo")
	eventually(t, "the typing", func() bool { return slices.Contains(peer.texts(), "typing:") })
	page.Enter(0)
	page.Wait(lastWords, "helo")
	page.Click(".amend")
	page.Wait(`document.querySelector("#edit-text").value`, "helo")
	page.Do(chromedp.SetValue("#edit-text", "hello <b>"))
	page.Click("#edit-confirm")
	page.Wait(lastWords, "hello <b>")
	shows(page, `document.querySelector("#log .agent .meta").textContent`, "Edited")
	page.Wait(editOpen, "false")

	page.Eval(pick)
	page.Wait(fileName, "report <b>.txt")
	got := h.do(t, call{method: http.MethodGet, path: strings.TrimPrefix(page.Eval(`[...document.querySelectorAll("#log .file")].at(-1).href`), h.url)})
	if got.text != "all is well" {
		t.Errorf("the file is %v", got)
	}
	page.Eval(`[...document.querySelectorAll(".amend")].at(-1).click()`)
	page.Click("#edit-delete")
	page.Wait(lastWords, "Deleted")
	eventually(t, "the changes", func() bool {
		texts := peer.texts()
		return slices.Contains(texts, "edited:hello <b>") && slices.Contains(texts, "deleted:")
	})
	h.ok(t, call{path: "/api/chat/attach?conversationId=" + id + "&name=a%3Cb%3E.txt&sender=Alex", body: "x"}, nil)
	page.Wait(fileName, "a<b>.txt")
}

func TestDesk_an_agent_transfers_leaves_and_concludes(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, `{"user":{"name":"Alex Wilber"}}`)
	page := browsertest.Open(t, h.url+"/#"+id)
	page.Do(chromedp.SetValue("#agent-name", "Ana"))
	page.Click("#join")
	page.Wait(`document.querySelector("#leave").hidden`, "false")
	page.Click("#leave")
	shows(page, lastNote, "Ana left")
	shows(page, `document.querySelector("#thread-state").textContent`, "Waiting")

	page.Click("#transfer")
	page.Click("#transfer-confirm")
	shows(page, `document.querySelector("#transfer-problem").textContent`, "name an agent or a queue")
	page.Type("#transfer-to", "Cy")
	page.Type("#transfer-note", "a <b>hard</b> one")
	page.Click("#transfer-confirm")
	shows(page, lastNote, "Ana transferred the conversation to Cy")
	shows(page, lastNote, "Note: a <b>hard</b> one")
	page.Wait(transferOpen, "false")

	page.Click("#end")
	page.Type("#end-reason", "solved")
	page.Type("#end-summary", "it was the fuse")
	page.Click("#end-confirm")
	shows(page, lastNote, "it was the fuse")
	page.Wait(`document.querySelector("#deeds").hidden`, "true")
	got := peer.wait(t, 4)
	if diff := slices.Compare([]string{"joined:", "left:", "transferred:", "ended:"}, peer.texts()); diff != 0 {
		t.Errorf("got %v", peer.texts())
	}
	if strings.Contains(got[2].raw, "hard") || !strings.Contains(got[3].raw, `"Summary":"it was the fuse"`) {
		t.Errorf("the note is told, or the summary is not: %s %s", got[2].raw, got[3].raw)
	}
}

func TestDesk_an_agent_goes_away(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	page := browsertest.Open(t, h.url)
	isOpen := func() bool {
		var got struct{ Open bool }
		h.ok(t, call{method: http.MethodGet, path: "/api/chat/availability"}, &got)
		return got.Open
	}
	page.Wait(`document.querySelector("#presence").innerText`, "Online")
	page.Click("#presence")
	page.Wait(`document.querySelector("#presence").innerText`, "Away")
	eventually(t, "the hub to close", func() bool { return !isOpen() })
	page.Click("#presence")
	eventually(t, "the hub to open", isOpen)
}
