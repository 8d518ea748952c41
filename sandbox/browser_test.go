package sandbox_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/browsertest"
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

	k.post(t.Context(), k.last(), activity.Activity{Type: activity.TypeTyping})
	page.Wait(`document.querySelector("#typing").hidden`, "false")
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
	first, stop := run(t, config, "127.0.0.1:0")
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
	page.Wait(`document.querySelectorAll("#fault-list button").length`, "11")
	page.Click("#break")
	page.Click("#fault-list button")
	page.Wait(`document.querySelector("#fault-state").textContent`, "One fault is on.")
	conversation := s.User("Alex").Conversation()
	if status := k.proactive(t.Context(), conversation, "hi"); status != http.StatusTooManyRequests {
		t.Errorf("status %d, want 429", status)
	}
	page.Click("#mend")
	page.Wait(`document.querySelector("#fault-state").textContent`, "Everything works.")
	if status := k.proactive(t.Context(), conversation, "hi"); status != http.StatusCreated {
		t.Errorf("status %d, want 201", status)
	}
}
