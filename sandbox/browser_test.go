package sandbox_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/steady"
	"github.com/liaison-skill/liaison/sandbox"
)

const (
	lastLine = `[...document.querySelectorAll("#log .bubble")].at(-1)?.innerText`
	lastHTML = `[...document.querySelectorAll("#log .bubble")].at(-1)?.innerHTML`
	holder   = `document.querySelector("#holder").innerText`
	bubbles  = `document.querySelectorAll("#log .bubble").length`
)

func TestPageCarriesAConversation(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.title`, "Alex Wilber | Contoso copilot")

	page.Type("#text", "Hello")
	page.Enter(0)
	page.Wait(lastLine, strings.ReplaceAll(sandbox.Greeting, "**", ""))
	page.Click(".suggestions button")
	page.Wait(lastLine, sandbox.AskProblem)
	page.Type("#text", "It is <b>broken</b>")
	page.Enter(browsertest.Shift)
	page.Type("#text", "since Monday")
	page.Enter(0)
	page.Wait(holder, "Waiting for a person")
	page.Wait(lastLine, strings.ReplaceAll(sandbox.Connecting, "**", ""))
	page.Wait(`[...document.querySelectorAll(".mine .bubble")].at(-1).textContent`, "It is <b>broken</b>\nsince Monday")

	alex := s.User("Alex")
	text := "**Ann \\*A\\***: *see* `x<y` [docs](https://example.com/?a=1) [bad](javascript:alert(1)) <img src=x>\nsecond"
	k.proactive(t.Context(), alex.Conversation(), text)
	page.Wait(holder, "Talking to a person")
	page.Wait(lastHTML, `<strong>Ann *A*</strong>: <em>see</em> <code>x&lt;y</code> `+
		`<a href="https://example.com/?a=1" target="_blank" rel="noopener noreferrer">docs</a> `+
		"[bad](javascript:alert(1)) &lt;img src=x&gt;\nsecond")

	seen := page.Watch(`document.querySelector("#typing").hidden`, "false")
	k.post(t.Context(), k.last(), activity.Activity{Type: activity.TypeTyping})
	seen()
	page.Wait(`document.querySelector("#typing").hidden`, "true")

	page.Click(`[data-name="Lee Gu"]`)
	page.Wait(bubbles, "0")
	page.Wait(holder, "Copilot")
	page.Click(`[data-name="Alex Wilber"]`)
	page.Wait(bubbles, "7")
	page.Wait(holder, "Talking to a person")
	page.Click(`#hints button:last-child`)
	page.Wait(lastLine, sandbox.Back)
}

func TestPageMissesNothingOverARestart(t *testing.T) {
	t.Parallel()
	config := sandbox.Config{StateFile: filepath.Join(t.TempDir(), "state.jsonl")}
	first, stop := run(t, config, steady.Address(t.Context()))
	newSkill(t, first)
	page := browsertest.Open(t, first.URL())
	page.Wait(`document.title`, "Alex Wilber | Contoso copilot")
	say(t, first.User("Alex"), "Hello")
	page.Wait(bubbles, "2")
	stop()
	page.Wait(`document.querySelector("#offline").hidden`, "false")
	page.Type("#text", "lost?")
	page.Enter(0)
	page.Wait(`document.querySelector("#problem").textContent`, "The message could not be sent. Try again.")
	page.Wait(`document.querySelector("#text").value`, "lost?")

	second, _ := run(t, config, strings.TrimPrefix(first.URL(), "http://"))
	newSkill(t, second)
	say(t, second.User("Alex"), "What did I miss?")
	page.Wait(bubbles, "4")
	page.Wait(`document.querySelector("#offline").hidden`, "true")
	page.Wait(lastLine, strings.ReplaceAll(sandbox.Fallback, "**", ""))
}

func TestPageOrdersFaults(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.querySelectorAll("#fault-list button").length`, "13")
	page.Click("#break")
	page.Click(`[data-fault="teams-429"]`)
	page.Wait(`document.querySelector("#fault-state").textContent`, "One fault is on.")
	conversation := s.User("Alex").Conversation()
	if status := k.proactive(t.Context(), conversation, "hi"); status != http.StatusTooManyRequests {
		t.Errorf("status %d, want 429", status)
	}
	const came = `document.querySelector("#fault-list li:has([data-fault='teams-429']) .came").innerText`
	page.Wait(came+`.includes("Teams answered a post with 429")`, "true")
	page.Click("#mend")
	page.Wait(`document.querySelector("#fault-state").textContent`, "Everything works.")
	if status := k.proactive(t.Context(), conversation, "hi"); status != http.StatusCreated {
		t.Errorf("status %d, want 201", status)
	}
	page.Wait(came+`.includes("Teams answered the next with 201")`, "true")
}

func TestPageBreaksPartsBesideTheSandbox(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	did := make(chan string, 10)
	s.SetParts(
		sandbox.Part{
			ID: "kill", Title: "Kill the service", Text: "All its connections are cut at once. It starts anew after three seconds.",
			Break: func() { did <- "killed"; s.Happened("kill", "Gone, in the midst of what it did.") },
		},
		sandbox.Part{
			ID: "hub", Title: "The hub is down", Text: "It takes no connections until all is mended.",
			Break: func() { did <- "hub broken"; s.Happened("hub", "Gone. What is said waits for it.") },
			Mend:  func() { did <- "hub mended"; s.Happened("hub", "It is back <b>.") },
		},
	)
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.querySelectorAll("#fault-list button").length`, "15")
	page.Click("#break")
	for range 2 { // what is broken is not broken again
		page.Click(`[data-fault="hub"]`)
		page.Wait(`document.querySelector("#fault-state").textContent`, "One fault is on.")
		page.Wait(`document.querySelector("#fault-list").innerText.includes("What is said waits")`, "true")
	}
	page.Click(`[data-fault="kill"]`)
	page.Wait(`document.querySelector("#fault-list").innerText.includes("in the midst")`, "true") // it moves what is below
	page.Click(`[data-fault="teams-429"]`)
	page.Wait(`document.querySelector("#fault-state").textContent`, "2 faults are on.")
	for range 2 {
		k.proactive(t.Context(), s.User("Alex").Conversation(), "hi")
	}
	page.Wait(`document.querySelector("#fault-list").innerText.includes("answered the next with 201")`, "true")
	if found := page.Audit(); found != "" {
		t.Error(found)
	}
	if folder := os.Getenv("TEST_SCREENSHOTS"); folder != "" {
		page.Picture(filepath.Join(folder, "teams-faults-light.png"), "light", 1280, 800)
		page.Picture(filepath.Join(folder, "teams-faults-dark-narrow.png"), "dark", 390, 780)
	}
	for range 2 { // what works is not mended
		page.Click("#mend")
		page.Wait(`document.querySelector("#fault-state").textContent`, "Everything works.")
	}
	page.Wait(`document.querySelector("#fault-list").innerText.includes("It is back <b>.")`, "true")
	close(did)
	var all []string
	for what := range did {
		all = append(all, what)
	}
	if diff := cmp.Diff([]string{"hub broken", "killed", "hub mended"}, all); diff != "" {
		t.Error(diff)
	}
}

// TestPageNamesOnWhoseBehalf: a bot may speak for a person, and says so.
func TestPageNamesOnWhoseBehalf(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.title`, "Alex Wilber | Contoso copilot")
	person := object{"itemid": 0, "mentionType": "person", "mri": "29:adele", "displayName": "Adele <b>"}
	posted(t, s, alex, object{"type": "message", "text": "hello", "channelData": object{"onBehalfOf": []object{person}}})
	const by = `[...document.querySelectorAll("#log .by b")].at(-1).textContent`
	page.Wait(by, "Adele <b> through Contoso copilot")
	posted(t, s, alex, object{"type": "message", "text": "and I am the bot"})
	page.Wait(by, "Contoso copilot")
	delete(person, "mri")
	status := send(t.Context(), t, http.MethodPost, chatURL(s, alex.Conversation()), botToken(t.Context(), t, s),
		object{"type": "message", "text": "x", "channelData": object{"onBehalfOf": []object{person}}})
	if status != http.StatusBadRequest {
		t.Errorf("without mri: status %d", status)
	}
}
