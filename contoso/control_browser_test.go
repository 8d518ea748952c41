package contoso_test

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
)

const deskWords = `[...document.querySelectorAll("#log .words")].map(n => n.textContent).join("|")`

func TestDesk_watches_the_copilot_and_takes_over(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, `{"name":"Alex Wilber"}`)
	v.ask(t, "hello")
	want(t, h.bot(t, "say", v.id, map[string]any{"message": "What is it about?"}), 200, "")
	page := browsertest.Open(t, h.url+"/#"+v.id)
	page.Do(chromedp.SetValue("#agent-name", "Ana"))
	page.Wait(deskWords, "hello|What is it about?")
	shows(page, `document.querySelector(".item .state").textContent`, "With the copilot")
	page.Wait(`document.title`, "Contoso Live Chat") // nobody is called
	for _, hidden := range []string{"composer", "return", "transfer", "leave"} {
		page.Wait(`document.querySelector("#`+hidden+`").checkVisibility()`, "false")
	}
	shows(page, `document.querySelector("#ended-note").textContent`, "Take over to answer")
	if found := page.Audit(); found != "" {
		t.Error(found)
	}
	picture(t, page, "desk-with-copilot")
	page.Wait(`document.querySelector("#join").textContent`, "Take over")
	page.Click("#join")
	page.Wait(`document.querySelector("#composer").checkVisibility()`, "true")
	shows(page, `document.querySelector("#handover").innerText`, "Handed over here")
	page.Type("#draft", "I am Ana")
	page.Enter(0)
	page.Wait(deskWords, "I am Ana")
	page.Wait(`document.querySelectorAll("#log .line.pending").length`, "0")
	v.ask(t, "at last")
	page.Wait(deskWords, "I am Ana|at last")

	page.Click("#return")
	page.Type("#return-reason", "not mine")
	page.Type("#return-summary", "wants <b>hello</b>")
	picture(t, page, "desk-return")
	page.Click("#return-confirm")
	shows(page, `document.querySelector("#undo-text").textContent`, "is being returned")
	eventually(t, "the return", func() bool { return slices.Contains(h.copilot.texts(), "returned:") })
	got := h.copilot.asks(t)
	last := got[len(got)-1]
	if last.Reason != "not mine" || last.Summary != "wants <b>hello</b>" || !slices.Equal(last.Pending, []string{"at last"}) {
		t.Errorf("the copilot was told %+v", last)
	}
	page.Wait(`document.querySelector("#composer").checkVisibility()`, "false")
	page.Wait(deskWords, "hello|What is it about?|I am Ana|at last")
}

func TestDesk_shows_all_that_a_copilot_passed(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, `{"name":"Alex Wilber"}`)
	v.ask(t, "a person, please")
	page := browsertest.Open(t, h.url)
	page.Do(chromedp.SetValue("#agent-name", "Ana"))
	shows(page, `document.querySelector(".item .state")?.textContent`, "With the copilot")
	want(t, h.bot(t, "pass", v.id, map[string]any{
		"problem": "The <b>printer</b>", "summary": "It burns", "note": "be quick", "variables": map[string]string{"Floor": "3"},
		"transcript": []map[string]string{{"side": "user", "text": "help <i>me</i>"}},
	}), 200, "")
	shows(page, `document.querySelector(".item .state")?.textContent`, "Waiting")
	page.Wait(`document.title`, "Contoso Live Chat")
	page.Eval(`location.hash = "` + v.id + `"`)
	for _, text := range []string{"The <b>printer</b>", "It burns", "Floor", "3"} {
		shows(page, facts, text)
	}
	shows(page, `document.querySelector("#notes").innerText`, "be quick")
	page.Click("#handover summary")
	shows(page, `document.querySelector("#handover").innerText`, "help <i>me</i>")
	page.Wait(deskWords, "a person, please") // in nobody's telling, so people read it
	page.Click("#join")
	shows(page, lastNote, "Ana joined")
	picture(t, page, "desk-passed")
}
