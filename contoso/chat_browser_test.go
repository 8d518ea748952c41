package contoso_test

import (
	"testing"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
)

// What the page for users shows.
const (
	chatWords  = `[...document.querySelectorAll("#log .line .words")].at(-1)?.textContent`
	chatNote   = `[...document.querySelectorAll("#log .note")].at(-1)?.textContent`
	chatStatus = `document.querySelector("#status")?.textContent`
)

// current is the conversation that a page shows, by the copilot's side.
func (c canvas) current(tb testing.TB) string {
	tb.Helper()
	got := c.copilot.wait(tb, 1)
	return got[len(got)-1].ConversationID
}

// chat opens the page and begins a conversation.
func (c canvas) chat(tb testing.TB) (browsertest.Tab, string) {
	tb.Helper()
	page := browsertest.Open(tb, c.url+"/chat/")
	page.Type("#start-name", "Alex Wilber")
	page.Click("#start .primary")
	page.Wait(`document.querySelector("#open-thread").hidden`, "false")
	return page, c.current(tb)
}

func TestChat_a_copilot_first_and_a_person_after(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	page, id := h.chat(t)
	page.Wait(chatStatus, "You talk to the copilot")
	page.Wait(`document.querySelector("#attach").hidden`, "true")
	want(t, h.bot(t, "say", id, map[string]any{
		"message": "**Hello!** Which one?", "format": "markdown", "sender": "Contoso Copilot",
		"choices": []map[string]string{{"title": "Orders", "value": "show my orders"}, {"title": "A person", "value": "a person"}},
	}), 200, "")
	page.Wait(`document.querySelector("#log .copilot strong")?.textContent`, "Hello!")
	page.Wait(`document.querySelectorAll(".choice").length`, "2")
	page.Click(".choices li:last-child .choice")
	page.Wait(chatWords, "A person")
	page.Wait(`document.querySelectorAll(".choice").length`, "0")
	eventually(t, "the choice", func() bool {
		got := h.copilot.asks(t)
		return got[len(got)-1].Value == "a person"
	})
	want(t, h.bot(t, "typing", id, nil), 204, "")
	page.Wait(`document.querySelector("#typing").textContent`, "The copilot is typing…")

	want(t, h.bot(t, "pass", id, map[string]any{"problem": "printer"}), 200, "")
	shows(page, chatNote, "A person has been asked for.")
	page.Wait(`document.querySelector("#attach").hidden`, "false")
	page.Type("#draft", "is anybody there?")
	page.Enter(0)
	page.Wait(chatWords, "is anybody there?")
	want(t, h.deed(t, id, "messages", `{"sender":"Ana","message":"I am, see https://contoso.example/help"}`), 200, "")
	page.Wait(chatStatus, "You talk to Ana")
	shows(page, chatNote, "You now talk to Ana.")
	page.Wait(`document.querySelector("#log .agent .link")?.href`, "https://contoso.example/help")
	want(t, h.deed(t, id, "return", `{"sender":"Ana"}`), 204, "")
	shows(page, chatNote, "You now talk to the copilot again.")
	page.Wait(chatStatus, "You talk to the copilot")
}
