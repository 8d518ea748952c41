package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/sandbox"
)

// What the hub's own chat shows its user.
const (
	chatStatus = `document.querySelector("#status")?.textContent`
	chatSaid   = `[...document.querySelectorAll("#log :is(.words, .note)")].map(n => n.firstChild?.textContent).join("|")`
	chatChoice = `[...document.querySelectorAll("#log .choice")].map(n => n.textContent).join("|")`
	chatOver   = `document.querySelector("#over")?.checkVisibility()`
)

// trackCard asks about an order, with a button that submits data.
const trackCard = `{"type":"AdaptiveCard","version":"1.5","body":[
	{"type":"TextBlock","text":"**Order 4711**"},
	{"type":"FactSet","facts":[{"title":"Tea","value":"Chai, 60 boxes"},{"title":"Ordered","value":"on Monday"}]}],
	"actions":[{"type":"Action.Submit","title":"Track it","data":{"track":"4711"}},{"type":"Action.Submit","title":"Send it back","data":{"back":"4711"}}]}`

// giveFile puts a file into the page's field for files, as a person's choice does.
const giveFile = `(() => {
	const given = new DataTransfer();
	given.items.add(new File(["two boxes, one torn"], "delivery note.txt", { type: "text/plain" }));
	const input = document.querySelector("#attach-file");
	input.files = given.files;
	input.dispatchEvent(new Event("change"));
})()`

// A stage is the hub's own chat, with a user before its page.
type stage struct {
	*world
	t           *testing.T
	user, agent browsertest.Tab // nobody is at the desk before agentComes
}

// raise opens the chat for Megan.
func raise(t *testing.T, settings ...string) *stage {
	t.Helper()
	s := &stage{world: newCanvasWorld(t, settings...), t: t}
	s.user = browsertest.Open(t, s.hub.url()+"/chat/")
	s.user.Type("#start-name", "Megan Bowen")
	s.user.Click("#start .primary")
	s.user.Wait(chatStatus, "You talk to the copilot")
	return s
}

// agentComes signs Adele in at the desk.
func (s *stage) agentComes() {
	s.t.Helper()
	s.agent = browsertest.Open(s.t, s.hub.url())
	s.agent.Wait(`document.querySelector("#sign-in").hidden`, "false")
	s.agent.Click("#sign-in-link")
	s.agent.Click("li:first-child button")
	s.agent.Wait(`document.querySelector("#signed-in-name")?.textContent`, "Adele Vance")
}

func (s *stage) says(tab browsertest.Tab, text string) {
	s.t.Helper()
	tab.Type("#draft", text)
	tab.Enter(0)
}

// sees waits until a part of a page has a text.
func (s *stage) sees(tab browsertest.Tab, part, text string) {
	s.t.Helper()
	tab.Wait(`document.querySelector("`+part+`")?.innerText.includes("`+text+`")`, "true")
}

// lastOf waits until what somebody said last on the user's page has a text.
func (s *stage) lastOf(who, text string) {
	s.t.Helper()
	s.user.Wait(`[...document.querySelectorAll("#log .`+who+`")].at(-1)?.innerText.includes("`+text+`")`, "true")
}

func (s *stage) audit(moment string) {
	s.t.Helper()
	for page, tab := range map[string]browsertest.Tab{"the chat": s.user, "the desk": s.agent} {
		if problems := tab.Audit(); problems != "" {
			s.t.Errorf("%s, %s: %s", page, moment, problems)
		}
	}
}

// picture takes a picture of the chat, narrow, when TEST_SCREENSHOTS names its folder.
func (s *stage) picture(name, scheme string) {
	s.t.Helper()
	if folder := os.Getenv("TEST_SCREENSHOTS"); folder != "" {
		s.user.Picture(filepath.Join(folder, "chat-"+name+"-"+scheme+".png"), scheme, 390, 780)
		s.user.Do(chromedp.EmulateViewport(1280, 800))
	}
}

// TestTheHubsOwnChatOnThePages plays the whole path as the user and the agent see it: the
// copilot, its choices and cards, the person it hands over to, the way back, and the end.
func TestTheHubsOwnChatOnThePages(t *testing.T) {
	t.Parallel()
	s := raise(t)
	s.agentComes()
	s.talkToTheCopilot()
	s.handOver()
	s.talkToAPerson()
	s.giveBack()
	s.endAndBeginAnew()
	if v := s.sandbox.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func (s *stage) talkToTheCopilot() {
	s.t.Helper()
	s.sees(s.user, "#log", "Ask me anything, or say talk to a person")
	s.says(s.user, "Which teas do you have?")
	s.lastOf("copilot", "I'm not sure I can help with that.")
	s.user.Wait(chatChoice, "Talk to a person")
	typing := func() string { return s.user.Eval(`document.querySelector("#typing").textContent`) }
	patient(s.t, "the copilot is seen typing", func() bool {
		s.sandbox.Direct().Say(s.lastTalk(), activity.Activity{Type: activity.TypeTyping})
		return typing() == "The copilot is typing…"
	}, func() any { return typing() })
	s.sandbox.Direct().Say(s.lastTalk(), activity.Activity{Type: activity.TypeMessage, Attachments: []activity.Attachment{
		{ContentType: "application/vnd.microsoft.card.adaptive", Content: json.RawMessage(trackCard)},
	}})
	s.user.Wait(chatChoice, "Track it|Send it back")
	s.sees(s.user, "#log", "Chai, 60 boxes")
	s.user.Wait(`document.querySelector("#typing").textContent`, "")
	s.audit("with the copilot")
	s.picture("copilot", "light")
	s.user.Click("#log .choice")
	s.user.Wait(chatChoice, "Talk to a person")
	log := s.sandbox.Direct().Log(s.lastTalk())
	if !slices.ContainsFunc(log, func(a activity.Activity) bool { return string(a.Value) == `{"track":"4711"}` }) {
		s.t.Error("the copilot did not hear what the card's button submits")
	}
	s.user.Eval(`document.querySelector("#log .choice").focus()`)
	s.user.Enter(0)
	s.sees(s.user, "#log", sandbox.AskProblem)
}

// handOver is what both see when the copilot gives the user away.
func (s *stage) handOver() {
	s.t.Helper()
	s.says(s.user, "My order 4711 has not arrived")
	s.sees(s.user, "#log", sandbox.Transferring)
	s.sees(s.user, "#log", "A person has been asked for.")
	s.sees(s.user, "#status", "A person will come")
	s.says(s.user, "Is anybody there?")
	s.lastOf("user", "Sent")

	s.sees(s.agent, ".item .state", "Waiting")
	s.agent.Click(".item")
	s.agent.Wait(deskLast, "Is anybody there?")
	for part, text := range map[string]string{
		"#facts": "Talk to a person", "#notes": sandbox.AgentMessage, "#thread-name": "Megan Bowen",
		"#handover": "Handed over here", "#panel": "va_LastTopic",
	} {
		s.sees(s.agent, part, text)
	}
	s.agent.Click("#handover summary")
	s.sees(s.agent, "#handover", "Which teas do you have?")
	s.audit("handed over")
}

// talkToAPerson has the user come back to the page in the middle.
func (s *stage) talkToAPerson() {
	s.t.Helper()
	s.agent.Do(chromedp.Focus("#join"))
	s.agent.Enter(0)
	s.user.Wait(chatStatus, "You talk to Adele Vance")
	s.says(s.agent, "Hello Megan, I am looking into it.")
	s.sees(s.user, "#log .agent", "I am looking into it.")
	s.user.Eval(giveFile)
	s.sees(s.agent, "#log", "delivery note.txt")
	s.user.Wait(`document.querySelector("#uploads").hidden`, "true")
	before := s.user.Eval(chatSaid)
	s.user.Do(chromedp.Reload())
	s.user.Wait(chatSaid, before)
	if n := strings.Count(before, "Is anybody there?"); n != 1 || !strings.HasSuffix(before, "I am looking into it.|delivery note.txt 19 byte") {
		s.t.Errorf("the user sees %s", before)
	}
	s.says(s.agent, "Thank you. One box is on its way.")
	s.lastOf("agent", "One box is on its way.")
	s.says(s.user, "Wonderful!")
	s.agent.Wait(deskLast, "Wonderful!")
	s.audit("with the person")
	s.picture("person", "dark")
	if folder := os.Getenv("TEST_SCREENSHOTS"); folder != "" {
		s.agent.Picture(filepath.Join(folder, "desk-hub-chat-light.png"), "light", 1280, 800)
	}
}

// giveBack returns the user to the copilot, which then hands over once more.
func (s *stage) giveBack() {
	s.t.Helper()
	before := len(s.heard())
	s.agent.Click("#return")
	s.agent.Type("#return-summary", "One box is sent anew.")
	s.agent.Click("#return-confirm")
	s.agent.Wait(openDialogs, "0")
	s.user.Wait(chatStatus, "You talk to the copilot")
	s.sees(s.user, "#log", "You now talk to the copilot again.")
	s.says(s.user, "hello")
	s.lastOf("copilot", "Ask me anything")
	if diff := cmp.Diff([]string{"pvaSetContext", "Wonderful!", "hello"}, s.heard()[before:]); diff != "" {
		s.t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
	s.picture("returned", "light")
	s.says(s.user, "talk to a person")
	s.lastOf("copilot", sandbox.AskProblem)
	s.says(s.user, "It is the wrong tea")
	s.sees(s.user, "#status", "A person will come")
}

func (s *stage) endAndBeginAnew() {
	s.t.Helper()
	s.sees(s.agent, "#thread-state", "Waiting")
	s.agent.Click("#join")
	s.user.Wait(chatStatus, "You talk to Adele Vance")
	s.agent.Click("#end")
	s.agent.Type("#end-reason", "exchanged")
	s.agent.Click("#end-confirm")
	s.user.Wait(chatOver, "true")
	s.sees(s.user, "#log", "This conversation has ended. exchanged")
	s.user.Wait(`(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 2)(document.querySelector("#scroller"))`, "true")
	s.audit("after the end")
	s.user.Click("#again")
	s.user.Wait(chatStatus, "You talk to the copilot")
	s.user.Wait(`document.querySelectorAll("#log .line").length`, "1")
	s.sees(s.user, "#log", "Ask me anything")
}
