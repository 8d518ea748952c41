package e2e

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// Texts of the bot's own chat.
const (
	continuing = "Continuing your conversation from Copilot…"
	startAgain = "This link has expired or has already been used. Please start again in Copilot."
	notHere    = "This link cannot be used here. Please start again in Copilot."
	help       = "In this chat you can talk to a person. Press the button when you are ready."
	person     = "Talk to a person"
)

// ownBot makes the sandbox's bot in Teams the service's own.
const ownBot = "LIAISON_SKILL_APP_ID=" + skillID + "," + copilotID

// An own chat is a user's with the service's own bot, where Teams calls the service
// itself.
type own struct {
	*world
	user  sandbox.User
	token string
}

func newOwn(tb testing.TB, w *world, name string) *own {
	tb.Helper()
	token := sandbox.Token{Kind: sandbox.ChannelCall, Claims: claims("aud", copilotID)}
	return &own{world: w, user: w.sandbox.User(name), token: sandboxtest.Mint(tb, w.sandbox, token)}
}

// activity is the documented example of Teams' own calls, as this user's.
func (o *own) activity(tb testing.TB, id, kind string, members map[string]any) map[string]any {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "handoff-action.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var a map[string]any
	if err := json.Unmarshal(raw, &a); err != nil {
		tb.Fatal(err)
	}
	a["type"], a["id"], a["serviceUrl"] = kind, id, o.sandbox.URL()+"/teams/"
	a["from"] = map[string]any{"id": o.user.ID(), "name": "Megan", "aadObjectId": "00000000-0000-4000-8000-" + hex12(o.user.ID())}
	a["conversation"] = map[string]any{"id": string(o.user.Conversation()), "conversationType": "personal", "tenantId": tenantID}
	a["channelData"] = map[string]any{"tenant": map[string]any{"id": tenantID}}
	a["recipient"] = map[string]any{"id": "28:" + copilotID, "name": "NorthwindProducts"}
	delete(a, "name")
	delete(a, "value")
	maps.Copy(a, members)
	return a
}

// hex12 makes a user's id part of another.
func hex12(id string) string {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789abcdef", r) {
			return r
		}
		return -1
	}, strings.ToLower(id)) + "000000000000"
	return digits[:12]
}

// invoke posts an invoke and returns the answer.
func (o *own) invoke(tb testing.TB, id, name string, value any) (int, string) {
	tb.Helper()
	return o.post(tb, "/api/messages", o.token, o.activity(tb, id, "invoke", map[string]any{"name": name, "value": value}))
}

// follow is what Teams posts when the user followed a link.
func (o *own) follow(tb testing.TB, id, continuation string) (int, string) {
	tb.Helper()
	return o.invoke(tb, id, "handoff/action", map[string]any{"continuation": continuation})
}

// says posts the user's words.
func (o *own) says(tb testing.TB, id, text string, members map[string]any) {
	tb.Helper()
	a := o.activity(tb, id, "message", map[string]any{"text": text})
	maps.Copy(a, members)
	if status, answer := o.post(tb, "/api/messages", o.token, a); status != http.StatusAccepted || answer != "" {
		tb.Fatalf("status %d %s, want an empty 202", status, answer)
	}
}

// ask asks the message extension and returns the links of its cards.
func (o *own) ask(tb testing.TB, command string, parameters map[string]string) []string {
	tb.Helper()
	var given []map[string]string
	for name, value := range parameters {
		given = append(given, map[string]string{"name": name, "value": value})
	}
	status, answer := o.invoke(tb, "", "composeExtension/query", map[string]any{
		"commandId": command, "parameters": given, "queryOptions": map[string]int{"skip": 0, "count": 25},
	})
	var body struct {
		ComposeExtension struct {
			Type        string
			Attachments []struct {
				Content struct{ Actions []struct{ URL string } }
			}
		}
	}
	if err := json.Unmarshal([]byte(answer), &body); err != nil || status != http.StatusOK || body.ComposeExtension.Type != "result" {
		tb.Fatalf("status %d %s (%v), want a result", status, answer, err)
	}
	var links []string
	for _, a := range body.ComposeExtension.Attachments {
		links = append(links, a.Content.Actions[0].URL)
	}
	return links
}

// link asks for a person and returns the token of the card's link.
func (o *own) link(tb testing.TB, reason string) string {
	tb.Helper()
	links := o.ask(tb, "talkToPerson", map[string]string{"reason": reason})
	if len(links) != 1 {
		tb.Fatalf("%d cards, want 1", len(links))
	}
	u, err := url.Parse(links[0])
	if err != nil {
		tb.Fatal(err)
	}
	return u.Query().Get("continuation")
}

// told waits until the user was told a text.
func (o *own) told(tb testing.TB, text string) sandbox.Line {
	tb.Helper()
	return sandboxtest.WaitLine(tb, o.user, sandbox.ByAgent, text)
}

// count is how often the user was told a text.
func (o *own) count(text string) int {
	return len(slices.DeleteFunc(byAuthor(o.user, sandbox.ByAgent), func(s string) bool { return s != text }))
}

// settled waits until nothing is left to deliver.
func (o *own) settled(tb testing.TB) {
	tb.Helper()
	eventually(tb, "everything is delivered", func() bool {
		var n int
		err := o.db.QueryRow(tb.Context(), `SELECT count(*) FROM lane WHERE ready_at IS NOT NULL`).Scan(&n)
		return err == nil && n == 0
	})
}

// raw posts an activity and returns the answer, with the length it says it has.
func (o *own) raw(tb testing.TB, a map[string]any) (status int, length int64, answer string) {
	tb.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		tb.Fatal(err)
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, o.service.url()+"/api/messages", strings.NewReader(string(body)))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, resp.ContentLength, string(read)
}

// offer has another agent ask for a link, and returns its token.
func (o *own) offer(tb testing.TB, context map[string]any) string {
	tb.Helper()
	status, answer := o.post(tb, "/api/handoffs", sandboxtest.Mint(tb, o.sandbox, sandbox.Token{}), context)
	var made struct{ URL string }
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusCreated {
		tb.Fatalf("status %d %s, %v; want 201", status, answer, err)
	}
	u, err := url.Parse(made.URL)
	if err != nil {
		tb.Fatal(err)
	}
	return u.Query().Get("continuation")
}
