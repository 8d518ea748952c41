package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/sandbox"
)

// TestTheConversationOnThePages plays what the user and the agent can see of a
// conversation besides words: the wait and its choices, who comes and goes, what is
// changed and taken back, and how it ended.
func TestTheConversationOnThePages(t *testing.T) {
	t.Parallel()
	w := quickWorld(t, sandbox.Config{}, "LIAISON_WAIT=2s")
	user := browsertest.Open(t, w.sandbox.URL())
	agent := browsertest.Open(t, w.hub.url())
	agent.Wait(`document.querySelector("#sign-in").hidden`, "false")
	agent.Click("#sign-in-link")
	agent.Click("li:first-child button")
	agent.Wait(`document.querySelector("#signed-in-name")?.textContent`, "Adele Vance")
	says := func(tab browsertest.Tab, box, text string) {
		t.Helper()
		tab.Type(box, text)
		tab.Enter(0)
	}
	shows := func(tab browsertest.Tab, text string) {
		t.Helper()
		tab.Wait(`document.querySelector("#log").innerText.includes("`+text+`")`, "true")
	}

	says(user, "#text", "I want to talk to a person")
	user.Wait(userLast, sandbox.AskProblem)
	says(user, "#text", "My order 4711 has not arrived")
	shows(user, "You are number 1 in the queue.")
	shows(user, nobodyJoined)
	picture(t, "wait", user)
	user.Click(`.card button[value="` + keepWaiting + `"]`)
	shows(user, "You keep your place in the queue.")

	agent.Wait(deskItems, "1")
	agent.Click(".item")
	agent.Click("#join")
	shows(user, "Adele Vance has joined the conversation.")
	user.Wait(userHolder, "Waiting for a person") // until somebody speaks
	says(agent, "#draft", "It arrives on Tuseday")
	shows(user, "Adele Vance: It arrives on Tuseday")
	user.Wait(userHolder, "Talking to a person")
	agent.Wait(deskSent, "true")
	agent.Click(".amend")
	agent.Eval(`document.querySelector("#edit-text").value = ""`)
	agent.Type("#edit-text", "It arrives on Tuesday")
	agent.Click("#edit-confirm")
	agent.Wait(openDialogs, "0")
	shows(user, "Adele Vance: It arrives on Tuesday")
	says(user, "#text", "Thank you, goodbye is not what I meant")
	agent.Wait(deskLast, "Thank you, goodbye is not what I meant")

	says(agent, "#draft", "My colleague Diego knows all about parcels.")
	shows(user, "Adele Vance: My colleague Diego knows all about parcels.")
	agent.Click("#transfer")
	agent.Type("#transfer-to", "Diego Siciliani")
	agent.Click("#transfer-confirm")
	agent.Wait(openDialogs, "0")
	shows(user, "You have been transferred to Diego Siciliani.")
	picture(t, "talk", user, agent)
	agent.Click("#end")
	agent.Type("#end-reason", "solved")
	agent.Type("#end-summary", "The parcel arrives on Tuesday.")
	agent.Click("#end-confirm")
	shows(user, "Summary: The parcel arrives on Tuesday.")
	user.Wait(userLast, sandbox.Summary+"The parcel arrives on Tuesday.")
	user.Wait(userHolder, "Copilot")
}

// picture takes pictures of the user's page, and of the agent's if it is given,
// when TEST_SCREENSHOTS names their folder.
func picture(t *testing.T, name string, tabs ...browsertest.Tab) {
	t.Helper()
	for i, tab := range tabs {
		pictureOf(t, []string{"teams", "desk"}[i]+"-"+name, tab)
	}
}

// pictureOf takes pictures of a page when TEST_SCREENSHOTS names their folder.
func pictureOf(t *testing.T, name string, tab browsertest.Tab) {
	t.Helper()
	if folder := os.Getenv("TEST_SCREENSHOTS"); folder != "" {
		file := filepath.Join(folder, name)
		tab.Picture(file+"-dark-narrow.png", "dark", 390, 780)
		tab.Picture(file+"-light.png", "light", 1280, 800)
	}
}
