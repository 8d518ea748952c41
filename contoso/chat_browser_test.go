package contoso_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/steady"
)

// What the page for users shows.
const (
	chatWords  = `[...document.querySelectorAll("#log .line .words")].at(-1)?.textContent`
	chatNote   = `[...document.querySelectorAll("#log .note")].at(-1)?.textContent`
	chatStatus = `document.querySelector("#status")?.textContent`
	// typingTold is how often the server was told, and has answered.
	typingTold = `performance.getEntriesByType("resource").filter(e => e.name.endsWith("/typing")).length`
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

func TestChat_history_is_kept_over_a_reload_and_begins_anew_after_the_end(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	page, id := h.chat(t)
	page.Type("#draft", "one")
	page.Enter(0)
	page.Wait(chatWords, "one")
	shows(page, `document.querySelector("#log .user .meta").textContent`, "Sent")
	page.Type("#draft", "a draft")
	page.Wait(typingTold+" >= 2", "true") // or the news of it comes after the reload
	page.Do(chromedp.Reload())
	page.Wait(chatWords, "one")
	page.Wait(`document.querySelector("#draft").value`, "a draft")
	page.Wait(`document.querySelector("#live").getAttribute("aria-live")`, "off")
	want(t, h.bot(t, "say", id, map[string]any{"message": "two"}), 200, "")
	page.Wait(chatWords, "two")
	page.Wait(`document.querySelector("#live").getAttribute("aria-live")`, "polite")

	page.Click("#end")
	page.Click("#end-confirm")
	page.Wait(`document.querySelector("#over").hidden`, "false")
	page.Wait(`document.querySelector("#composer").hidden`, "true")
	page.Click(".score:nth-child(4) input")
	page.Type("#comment", "quick")
	page.Click("#rating .button")
	shows(page, `document.querySelector("#thanks").textContent`, "Thank you")
	var desk struct {
		Conversation struct {
			RatingScore   int
			RatingComment string
		}
	}
	h.ok(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + id}, &desk)
	if c := desk.Conversation; c.RatingScore != 4 || c.RatingComment != "quick" {
		t.Errorf("rated %+v", c)
	}
	page.Click("#again")
	page.Wait(`document.querySelector("#over").hidden`, "true")
	page.Wait(`document.querySelectorAll("#log li").length`, "0")
	eventually(t, "the next conversation", func() bool {
		got := h.copilot.asks(t)
		last := got[len(got)-1]
		return last.Event == "opened" && last.ConversationID != id && last.User.Name == "Alex Wilber"
	})
}

func TestChat_files_and_changes_both_ways(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	page, id := h.chat(t)
	want(t, h.bot(t, "pass", id, nil), 200, "")
	page.Wait(`document.querySelector("#attach").hidden`, "false")
	page.Eval(pick)
	page.Wait(fileName, "report <b>.txt")
	page.Wait(`document.querySelector("#uploads").hidden`, "true")
	page.Type("#draft", "helo")
	page.Enter(0)
	page.Wait(chatWords, "helo")
	page.Click(".line:last-child .amend")
	page.Wait(`document.querySelector("#edit-text").value`, "helo")
	page.Do(chromedp.SetValue("#edit-text", "hello <b>"))
	page.Click("#edit-confirm")
	page.Wait(chatWords, "hello <b>")
	shows(page, `document.querySelector(".line:last-child .meta").textContent`, "Edited")
	page.Wait(editOpen, "false")
	page.Click(".line:last-child .amend")
	page.Do(chromedp.SetValue("#edit-text", "hello again"))
	page.Click("#edit-confirm")
	page.Wait(chatWords, "hello again")
	page.Wait(editOpen, "false")
	page.Click(".line:last-child .amend")
	page.Wait(`document.querySelector("#edit-text").value`, "hello again")
	page.Click("#edit-delete")
	page.Wait(chatWords, "Deleted")

	var l struct{ ID string }
	h.ok(t, call{path: "/api/desk/conversations/" + id + "/messages", body: `{"sender":"Ana","message":"helo"}`}, &l)
	page.Wait(chatWords, "helo")
	of := "/api/desk/conversations/" + id + "/messages/" + l.ID
	h.ok(t, call{method: http.MethodPut, path: of, body: `{"message":"hello Alex"}`}, nil)
	page.Wait(chatWords, "hello Alex")
	h.ok(t, call{method: http.MethodDelete, path: of}, nil)
	page.Wait(chatWords, "Deleted")
	h.ok(t, call{path: "/api/desk/conversations/" + id + "/files?sender=Ana&name=a%3Cb%3E.txt", body: "yours"}, nil)
	page.Wait(fileName, "a<b>.txt")
	page.Wait(`(fetch([...document.querySelectorAll("#log .file")].at(-1).href).then(r => r.text()).then(x => globalThis.got = x), globalThis.got)`, "yours")
	want(t, h.deed(t, id, "typing", `{"sender":"Ana"}`), 204, "")
	page.Wait(`document.querySelector("#typing").textContent`, "Ana is typing…")
	want(t, h.deed(t, id, "read", ""), 204, "")
	page.Type("#draft", "thank you")
	page.Enter(0)
	shows(page, `document.querySelector("#log .user:last-child .meta")?.textContent`, "Sent")
	want(t, h.deed(t, id, "read", ""), 204, "")
	shows(page, `document.querySelector("#log .user:last-child .meta")?.textContent`, "Seen")
}

// Words said while the hub is away are kept and arrive once, and the page goes on.
func TestChat_outlives_the_hub(t *testing.T) {
	t.Parallel()
	copilot := receive(t, nil)
	db := pgtest.DB(t, contoso.Schema())
	config := contoso.Config{Canvas: contoso.Canvas{WebhookURL: copilot.url}}
	first := serve(t, &contoso.App{DB: db, Config: config}, steady.Address(t.Context()))
	address := strings.TrimPrefix(first.url, "http://")
	h := canvas{hub: first, copilot: copilot, db: db}
	page, id := h.chat(t)
	first.stop()
	page.Wait(`document.querySelector("#connection").textContent`, "Reconnecting…")
	page.Type("#draft", "are you there?")
	page.Enter(0)
	shows(page, `document.querySelector("#log .user .meta")?.textContent`, "Not sent")
	h.hub = serve(t, &contoso.App{DB: db, Config: config}, address)
	want(t, h.bot(t, "say", id, map[string]any{"message": "back again"}), 200, "")
	shows(page, `document.querySelector("#log").textContent`, "back again")
	page.Wait(`document.querySelector("#connection").textContent`, "")
	page.Click("#log .again")
	shows(page, `document.querySelector("#log .user .meta")?.textContent`, "Sent")
	if n := page.Eval(`document.querySelectorAll("#log .user").length`); n != "1" {
		t.Errorf("%s lines, want one", n)
	}
}

func TestChat_shows_why_an_agent_ended_as_text(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	page, id := h.chat(t)
	want(t, h.bot(t, "pass", id, nil), 200, "")
	want(t, h.deed(t, id, "end", `{"sender":"Ana","reason":"<b>solved</b>"}`), 204, "")
	shows(page, chatNote, "This conversation has ended. <b>solved</b> · ")
}
