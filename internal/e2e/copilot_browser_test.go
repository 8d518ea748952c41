package e2e

import (
	"testing"

	"github.com/liaison-skill/liaison/internal/browsertest"
)

const (
	copilotLast  = `[...document.querySelectorAll("#log .answer .bubble")].at(-1)?.textContent`
	copilotCards = `document.querySelectorAll("#log .answer:last-child .card").length`
)

// TestFromCopilotToAPersonOnThePages plays the whole path as the user and the agent see
// it: Copilot's page, the card, the bot's chat in Teams, the desk with the context, both
// talking, and the end.
func TestFromCopilotToAPersonOnThePages(t *testing.T) {
	t.Parallel()
	w := copilotWorld(t)
	agent := browsertest.Open(t, w.hub.url())
	agent.Wait(`document.querySelector("#sign-in").hidden`, "false")
	agent.Click("#sign-in-link")
	agent.Click("li:first-child button")
	agent.Wait(`document.querySelector("#signed-in-name")?.textContent`, "Adele Vance")
	user := browsertest.Open(t, w.sandbox.URL()+"/copilot/")
	user.Wait(`document.title`, "Alex Wilber | Microsoft 365 Copilot")
	user.Click(`[data-name="Megan Bowen"]`)
	user.Wait(`document.title`, "Megan Bowen | Microsoft 365 Copilot")
	says := func(tab browsertest.Tab, box, text string) {
		t.Helper()
		tab.Type(box, text)
		tab.Enter(0)
	}
	shows := func(tab browsertest.Tab, text string) {
		t.Helper()
		tab.Wait(`document.querySelector("#log").innerText.includes("`+text+`")`, "true")
	}

	says(user, "#text", "Which teas do you have?")
	user.Wait(copilotLast, "Here is what I found with Contoso support:")
	user.Wait(copilotCards, "3")
	if problems := user.Audit(); problems != "" {
		t.Errorf("Copilot's page: %s", problems)
	}
	pictureOf(t, "copilot", user)
	user.Click(".results li:first-child a.action")
	user.Wait(`document.title`, "Megan Bowen | Contoso support")
	shows(user, continuing)
	shows(user, "You are next in the queue.")

	agent.Wait(deskItems, "1")
	agent.Click(".item")
	agent.Wait(`document.body.innerText.includes("Exotic Liquids")`, "true")
	agent.Click("#join")
	shows(user, "Adele Vance has joined the conversation.")
	says(agent, "#draft", "Hello Megan, is it about the Chai? We have 39 boxes.")
	shows(user, "Adele Vance: Hello Megan, is it about the Chai?")
	says(user, "#text", "Yes, I need sixty of them.")
	agent.Wait(deskLast, "Yes, I need sixty of them.")
	if problems := user.Audit(); problems != "" {
		t.Errorf("the bot's chat: %s", problems)
	}
	picture(t, "handoff", user, agent)

	agent.Click("#end")
	agent.Type("#end-reason", "ordered")
	agent.Click("#end-confirm")
	shows(user, "Adele Vance has ended the conversation. Write to me when you need a person again.")
	user.Click(`[data-chat=""]`)
	user.Wait(`document.title`, "Megan Bowen | Contoso copilot")
	user.Wait(`document.querySelectorAll("#log .bubble").length`, "0")
	user.Click("#to-copilot")
	user.Wait(copilotCards, "3")
	user.Click(".results li:first-child a.action") // it was good once
	user.Wait(`document.title`, "Megan Bowen | Contoso support")
	shows(user, startAgain)
}
