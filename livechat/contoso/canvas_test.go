package contoso_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"testing"
	"time"

	hub "github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/livechat/livechattest"
)

func TestCanvasAdapter(t *testing.T) {
	t.Parallel()
	livechattest.RunCanvas(t, startCanvas)
}

// Users are browsers at the hub's own page, by their conversation.
type users struct {
	base     string
	browsers map[livechat.ConversationID]*http.Client
}

// startCanvas runs Contoso with its page for users and returns it with its adapter.
func startCanvas(tb testing.TB) livechattest.Canvas {
	tb.Helper()
	url, posts := receiver(tb)
	base := run(tb, hub.Config{
		APIKey: apiKey, WebhookSecret: secret, WebhookURL: "http://127.0.0.1:1/", Canvas: hub.Canvas{WebhookURL: url},
	})
	u := &users{base: base, browsers: map[livechat.ConversationID]*http.Client{}}
	at := func(url string) livechattest.CanvasAdapter { return adapter(url) }
	return livechattest.Canvas{
		Adapter: at(base), At: at, Secrets: []string{apiKey, secret}, Webhook: next(posts),
		Open: u.open,
		Ask: func(tb testing.TB, c livechat.ConversationID, text string) {
			tb.Helper()
			u.call(tb, c, jsonhttp.Request{URL: "/messages", In: map[string]string{"message": text}})
		},
		Press: func(tb testing.TB, c livechat.ConversationID, choice livechat.Choice) {
			tb.Helper()
			u.call(tb, c, jsonhttp.Request{URL: "/messages", In: map[string]string{"message": choice.Title, "value": choice.Value}})
		},
		Type: func(tb testing.TB, c livechat.ConversationID) { tb.Helper(); u.types(tb, c) },
		Leave: func(tb testing.TB, c livechat.ConversationID) {
			tb.Helper()
			u.call(tb, c, jsonhttp.Request{URL: "/end"})
		},
		Seen: func(tb testing.TB, c livechat.ConversationID) (all []livechattest.Seen) {
			tb.Helper()
			for _, l := range u.shown(tb, c).Lines {
				if l.From == "copilot" || l.From == "agent" {
					all = append(all, livechattest.Seen{Sender: l.Sender, Text: l.Message, Choices: l.Choices})
				}
			}
			return all
		},
		SeesTyping: func(tb testing.TB, c livechat.ConversationID) bool {
			tb.Helper()
			return u.shown(tb, c).Conversation.Typing
		},
		Told: func(tb testing.TB, c livechat.ConversationID) (livechat.Passing, bool) {
			tb.Helper()
			return told(tb, base, c)
		},
		TakeOver: func(tb testing.TB, c livechat.ConversationID, agent string) {
			tb.Helper()
			desk(tb, base, c, "/join", by(agent))
		},
		Answer: func(tb testing.TB, c livechat.ConversationID, agent, text string) {
			tb.Helper()
			desk(tb, base, c, "/messages", map[string]string{"message": text, "sender": agent})
		},
		Return: func(tb testing.TB, c livechat.ConversationID, agent, reason, summary string) {
			tb.Helper()
			desk(tb, base, c, "/return", map[string]string{"sender": agent, "reason": reason, "summary": summary})
		},
		End: func(tb testing.TB, c livechat.ConversationID, agent, reason string) {
			tb.Helper()
			desk(tb, base, c, "/end", map[string]string{"sender": agent, "reason": reason})
		},
	}
}

// What a user's page shows.
type page struct {
	Conversation struct {
		ID     livechat.ConversationID
		Typing bool
	}
	Lines []struct {
		From, Sender, Message string
		Choices               []livechat.Choice
	}
}

func (u *users) open(tb testing.TB, user livechat.User) livechat.ConversationID {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	body, err := json.Marshal(user)
	if err != nil {
		tb.Fatal(err)
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, u.base+"/api/canvas/start", bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := browser.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var p page
	if err != nil || json.Unmarshal(text, &p) != nil || p.Conversation.ID == "" {
		tb.Fatalf("start: %v, %s", err, text)
	}
	u.browsers[p.Conversation.ID] = browser
	return p.Conversation.ID
}

// call makes a call of the page; its URL is below the conversation's.
func (u *users) call(tb testing.TB, c livechat.ConversationID, r jsonhttp.Request) {
	tb.Helper()
	r.URL = u.base + "/api/canvas/conversations/" + string(c) + r.URL
	if err := jsonhttp.Do(tb.Context(), u.browsers[c], r); err != nil {
		tb.Fatal(err)
	}
}

// types waits before it types: who does behind words on their way is not told of.
func (u *users) types(tb testing.TB, c livechat.ConversationID) {
	tb.Helper()
	settledPage(tb, u, c)
	u.call(tb, c, jsonhttp.Request{URL: "/typing"})
}

func (u *users) shown(tb testing.TB, c livechat.ConversationID) (p page) {
	tb.Helper()
	u.call(tb, c, jsonhttp.Request{Method: http.MethodGet, Out: &p})
	return p
}

// settledPage waits until all webhooks of a conversation are sent.
func settledPage(tb testing.TB, u *users, c livechat.ConversationID) {
	tb.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var thread struct{ Lines []shown }
		call(tb, jsonhttp.Request{Method: http.MethodGet, URL: u.base + conversation(c), Out: &thread})
		if !slices.ContainsFunc(thread.Lines, func(l shown) bool { return l.State == "queued" }) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatal("a webhook stays queued")
		}
	}
}

// told is what the desk shows of a conversation, as it was passed.
func told(tb testing.TB, base string, c livechat.ConversationID) (p livechat.Passing, people bool) {
	tb.Helper()
	var thread struct {
		Conversation struct {
			livechat.Passing
			State string
			User  livechat.User
		}
		Past struct{ Transcript []livechat.Line }
	}
	call(tb, jsonhttp.Request{Method: http.MethodGet, URL: base + conversation(c), Out: &thread})
	var kept struct{ Notes []struct{ Text string } }
	call(tb, jsonhttp.Request{Method: http.MethodGet, URL: base + conversation(c) + "/notes", Out: &kept})
	p = thread.Conversation.Passing
	p.Conversation, p.Language, p.Transcript = c, thread.Conversation.User.Locale, thread.Past.Transcript
	for _, n := range kept.Notes {
		p.Note += n.Text
	}
	return p, thread.Conversation.State == "waiting" || thread.Conversation.State == "active"
}
