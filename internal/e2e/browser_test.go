package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/sandbox"
)

// What the pages show.
const (
	userLast   = `[...document.querySelectorAll("#log .bubble")].at(-1)?.innerText`
	userHolder = `document.querySelector("#holder").innerText`
	deskItems  = `document.querySelectorAll(".item").length`
	deskLast   = `[...document.querySelectorAll("#log .words")].at(-1)?.textContent`
	// A dialog closes when what it asked for is done, and until then covers the rest.
	openDialogs = `document.querySelectorAll("dialog[open]").length`
	deskSent    = `[...document.querySelectorAll("#log .line .meta")].at(-1)?.innerText.includes("Sent")`
)

// TestTheWholeConversation plays user and agent on the two pages, in a browser,
// and kills the service in the middle.
func TestTheWholeConversation(t *testing.T) {
	t.Parallel()
	w, service := newProcessWorld(t, sandbox.Config{})
	user := browsertest.Open(t, w.sandbox.URL())
	agent := browsertest.Open(t, w.hub.url())
	agent.Wait(`document.querySelector("#sign-in").hidden`, "false")
	agent.Click("#sign-in-link")
	agent.Click("li:first-child button")
	agent.Wait(`document.querySelector("#signed-in-name")?.textContent`, "Adele Vance")
	userSays := func(text string) {
		t.Helper()
		user.Type("#text", text)
		user.Enter(0)
	}
	agentSays := func(text string) {
		t.Helper()
		agent.Type("#draft", text)
		agent.Enter(0)
	}

	userSays("Hello")
	user.Wait(userLast, strings.ReplaceAll(sandbox.Greeting, "**", ""))
	userSays("I want to talk to a person")
	user.Wait(userLast, sandbox.AskProblem)
	userSays("My order 4711 has not arrived")
	user.Wait(userHolder, "Waiting for a person")

	agent.Wait(deskItems, "1")
	agent.Click(".item")
	agent.Wait(deskLast, "My order 4711 has not arrived")
	agent.Wait(`document.querySelector("#facts").innerText.includes("Alex Wilber")`, "true")
	agent.Wait(`document.querySelector("#panel").innerText.includes("My order 4711 has not arrived")`, "true")
	agentSays("Hello Alex, I am looking into *your* order.")
	user.Wait(userLast, "Adele Vance: Hello Alex, I am looking into *your* order.")
	user.Wait(userHolder, "Talking to a person")
	userSays("Thank you!")
	agent.Wait(deskLast, "Thank you!")
	agentSays("It left our warehouse this morning and arrives tomorrow.")
	user.Wait(userLast, "Adele Vance: It left our warehouse this morning and arrives tomorrow.")
	agent.Wait(deskSent, "true")
	pictures(t, user, agent)

	service.kill()
	agentSays("You will get a message with a link.")
	agent.Wait(deskLast, "You will get a message with a link.")
	service.start()
	user.Wait(userLast, "Adele Vance: You will get a message with a link.")
	agent.Wait(deskSent, "true")
	userSays("Great, that is all")
	agent.Wait(deskLast, "Great, that is all")

	agent.Click("#end")
	agent.Click("#end-confirm")
	user.Wait(userLast, "Adele Vance has ended the conversation. You are back with the copilot.")
	user.Wait(userHolder, "Copilot")
	agent.Wait(`document.querySelector("#composer").hidden`, "true")
	userSays("Hello")
	user.Wait(userLast, strings.ReplaceAll(sandbox.Greeting, "**", ""))
	if got := w.said(t, w.chat(t).ID); len(got) != 3 {
		t.Errorf("the hub got %q, want three lines", got)
	}
}

// pictures takes the documentation's screenshots when TEST_SCREENSHOTS names
// their folder.
func pictures(t *testing.T, user, agent browsertest.Tab) {
	t.Helper()
	folder := os.Getenv("TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	for name, tab := range map[string]browsertest.Tab{"teams": user, "desk": agent} {
		for _, scheme := range []string{"dark", "light"} {
			tab.Picture(filepath.Join(folder, name+"-"+scheme+"-narrow.png"), scheme, 390, 780)
			tab.Picture(filepath.Join(folder, name+"-"+scheme+".png"), scheme, 1280, 800)
		}
	}
}
