package contoso_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// An asked is a webhook of the page for users as it arrived.
type asked struct {
	Event, ID, ConversationID, Message, Value, Reason, Summary string
	User                                                       struct{ ID, Name, Email, Locale, TimeZone string }
	Pending                                                    []string
}

// asks decodes what a receiver got as the copilot's side does.
func (r *receiver) asks(tb testing.TB) (all []asked) {
	tb.Helper()
	for _, p := range r.all() {
		var a asked
		if err := json.Unmarshal([]byte(p.raw), &a); err != nil {
			tb.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// A canvas is a hub with a page for users, and the copilot's side of it.
type canvas struct {
	hub
	copilot *receiver
	service *receiver // of the other webhook, for conversations of the API
	db      *pgxpool.Pool
}

func runCanvas(tb testing.TB, config contoso.Config) canvas {
	tb.Helper()
	c := canvas{copilot: receive(tb, nil), service: receive(tb, nil), db: pgtest.DB(tb, contoso.Schema())}
	config.Canvas.WebhookURL, config.WebhookURL = c.copilot.url, c.service.url
	c.hub = run(tb, c.db, config)
	return c
}

// A visit is a browser at the page for users.
type visit struct {
	hub
	client *http.Client
	id     string // of the conversation
}

// own is what the page sees.
type own struct {
	Seq          int64
	Conversation *struct {
		ID, State, Agent, Reason string
		Typing                   bool
		Place, Score             int
		Seen                     int64
	}
	Lines []ownLine
}

type ownLine struct {
	ID, Event, From, Sender, Message, Format, Key, State, To string
	Position                                                 int64
	Choices                                                  []struct{ Title, Value string }
	Edited, Deleted                                          bool
	Attachments                                              []link
}

func (h hub) visit(tb testing.TB) visit {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return visit{hub: h, client: &http.Client{Jar: jar}}
}

// start opens the chat.
func (h hub) start(tb testing.TB, body string) visit {
	tb.Helper()
	v := h.visit(tb)
	var got own
	v.ok(tb, call{path: "/api/canvas/start", body: body}, &got)
	v.id = got.Conversation.ID
	return v
}

// do makes a call with the browser's cookie.
func (v visit) do(tb testing.TB, c call) answer {
	tb.Helper()
	return v.doAs(tb, v.client, c)
}

func (v visit) ok(tb testing.TB, c call, out any) {
	tb.Helper()
	got := v.do(tb, c)
	if got.status/100 != 2 {
		tb.Fatalf("%s: status %d %s", c.path, got.status, got.text)
	}
	if out != nil {
		if err := decode(got, out); err != nil {
			tb.Fatalf("%s: %v in %s", c.path, err, got.text)
		}
	}
}

// path is one of the conversation's own.
func (v visit) path(rest string) string { return "/api/canvas/conversations/" + v.id + rest }

// ask says something, and returns the line it became.
func (v visit) ask(tb testing.TB, text string) (l ownLine) {
	tb.Helper()
	v.ok(tb, call{path: v.path("/messages"), body: jsonOf(tb, map[string]string{"message": text})}, &l)
	return l
}

// refused starts a conversation and says something that the copilot refuses.
func (c canvas) refused(tb testing.TB) (visit, ownLine) {
	tb.Helper()
	c.copilot.reply = func(n int, _ posted, w http.ResponseWriter) {
		if n == 2 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	v := c.start(tb, "{}")
	l := v.ask(tb, "hello")
	eventually(tb, "the refusal", func() bool { return v.shown(tb).Lines[0].State == "failed" })
	return v, l
}

func (v visit) shown(tb testing.TB) (o own) {
	tb.Helper()
	v.ok(tb, call{method: http.MethodGet, path: v.path("")}, &o)
	return o
}

// texts is what the page shows as "who:words", what happened as its name.
func (v visit) texts(tb testing.TB) (all []string) {
	tb.Helper()
	for _, l := range v.shown(tb).Lines {
		if l.From == "system" {
			all = append(all, l.Event)
		} else {
			all = append(all, l.From+":"+l.Message)
		}
	}
	return all
}

// bot makes a call of the copilot's side.
func (h hub) bot(tb testing.TB, route, id string, more map[string]any) answer {
	tb.Helper()
	body := map[string]any{"conversationId": id}
	maps.Copy(body, more)
	return h.do(tb, call{path: "/api/chat/bot/" + route, body: jsonOf(tb, body)})
}

// deed is an agent's.
func (h hub) deed(tb testing.TB, id, what, body string) answer {
	tb.Helper()
	return h.do(tb, call{path: "/api/desk/conversations/" + id + "/" + what, body: body})
}

// deskState is the conversation's state at the desk.
func (h hub) deskState(tb testing.TB, id string) (c struct{ State, Agent, Queue, Origin, Problem, Summary string }) {
	tb.Helper()
	out := struct{ Conversation any }{&c}
	h.ok(tb, call{method: http.MethodGet, path: "/api/desk/conversations/" + id}, &out)
	return c
}

func want(tb testing.TB, got answer, status int, part string) {
	tb.Helper()
	if got.status != status || !strings.Contains(got.text, part) {
		tb.Errorf("got %d %s, want %d with %q", got.status, got.text, status, part)
	}
}
