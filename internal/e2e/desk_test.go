package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// hubConfig is the hub's, whose agents sign in at the sandbox.
func (w *world) hubConfig(tb testing.TB, more ...string) contoso.Config {
	tb.Helper()
	settings := w.sandbox.DeskEnv()
	settings["CONTOSO_WEBHOOK_URL"] = w.service.url() + "/api/livechat/messages"
	settings["CONTOSO_WEBHOOK_SECRET"] = secret
	settings["CONTOSO_API_KEY"] = apiKey
	for _, pair := range more {
		name, value, _ := strings.Cut(pair, "=")
		settings[name] = value
	}
	var c contoso.Config
	if err := env.Process(tb.Context(), envconfig.MapLookuper(settings), "", &c); err != nil {
		tb.Fatal(err)
	}
	return c
}

// signIn returns a client that has signed in at the desk, once for the world.
func (w *world) signIn(tb testing.TB) *http.Client {
	tb.Helper()
	w.signedIn.Do(func() { w.agent = sandboxtest.SignIn(tb, w.hub.url(), "Adele Vance") })
	if w.agent == nil {
		tb.Fatal("nobody has signed in")
	}
	return w.agent
}

// A chat is a conversation on the hub's desk.
type chat struct {
	ID, State, Problem string
	User               struct{ Name string }
}

// chats lists the desk's conversations.
func (w *world) chats(tb testing.TB) []chat {
	tb.Helper()
	var list struct{ Conversations []chat }
	w.desk(tb, http.MethodGet, "/api/desk/conversations", nil, &list)
	return list.Conversations
}

// chat waits until the desk has one conversation and returns it.
func (w *world) chat(tb testing.TB) chat {
	tb.Helper()
	eventually(tb, "one conversation on the desk", func() bool { return len(w.chats(tb)) == 1 })
	return w.chats(tb)[0]
}

// said is what the desk shows of the user's words.
func (w *world) said(tb testing.TB, id string) []string {
	tb.Helper()
	var lines []struct{ Message, From string }
	w.desk(tb, http.MethodGet, "/api/chat/messages?conversationId="+url.QueryEscape(id), nil, &lines)
	var texts []string
	for _, l := range lines {
		if l.From == "user" {
			texts = append(texts, l.Message)
		}
	}
	return texts
}

// reported is what the desk shows of what became of the agents' words, and of the
// user: failed, unknown, unreachable.
func (w *world) reported(tb testing.TB, id string) []string {
	tb.Helper()
	var thread struct {
		Conversation struct{ Unreachable bool }
		Lines        []struct{ Report string }
	}
	w.desk(tb, http.MethodGet, "/api/desk/conversations/"+url.PathEscape(id), nil, &thread)
	var all []string
	for _, l := range thread.Lines {
		if l.Report != "" {
			all = append(all, l.Report)
		}
	}
	if thread.Conversation.Unreachable {
		all = append(all, "unreachable")
	}
	return all
}

// agentSays answers over the API, as a hub's own programs do.
func (w *world) agentSays(tb testing.TB, id, text string) {
	tb.Helper()
	w.desk(tb, http.MethodPost, "/api/chat/send", map[string]string{"conversationId": id, "message": text, "sender": "Bo"}, nil)
}

func (w *world) agentEnds(tb testing.TB, id string) {
	tb.Helper()
	w.desk(tb, http.MethodPost, "/api/desk/conversations/"+id+"/end", map[string]string{}, nil)
}

func (w *world) desk(tb testing.TB, method, path string, in, out any) {
	tb.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			tb.Fatal(err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(tb.Context(), method, w.hub.url()+path, body)
	if err != nil {
		tb.Fatal(err)
	}
	replayable(req)
	client := http.DefaultClient
	if strings.HasPrefix(path, "/api/desk/") {
		client = w.signIn(tb)
	} else {
		req.Header.Set("X-API-Key", apiKey)
	}
	resp, err := client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		tb.Fatalf("%s %s: status %d, %v: %s", method, path, resp.StatusCode, err, answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			tb.Fatal(err)
		}
	}
}

// replayable lets a request go again when the connection it was given turns out to
// be that of a program which has ended: net/http asks for this header, and an empty
// one is not sent.
func replayable(req *http.Request) { req.Header["Idempotency-Key"] = nil }
