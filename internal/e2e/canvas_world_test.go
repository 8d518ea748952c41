package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// A visitor is a user of the hub's own chat, in a browser of their own.
type visitor struct {
	*world
	client *http.Client
	id     string // of the conversation
	n      int    // of the words said so far
}

// ownSettings let the copilot answer in the hub's own chat, whose webhook leads to the
// service.
func ownSettings(w *world) []string {
	return []string{"CONTOSO_CANVAS_WEBHOOK_URL=" + w.service.url() + "/api/hubs/contoso/canvas"}
}

// canvasWorld is a world in which the hub's own chat is on. Its service is not
// started.
func canvasWorld(tb testing.TB, settings ...string) *world {
	tb.Helper()
	w := build(tb, sandbox.Config{}, slices.Concat([]string{"LIAISON_HUB_CONTOSO_CANVAS=on"}, settings)...)
	w.hub.stop()
	addr := w.hub.addr
	w.hub = w.hubPart(tb, slices.Concat(ownSettings(w), settings)...)
	w.hub.addr = addr
	w.hub.start()
	tb.Cleanup(w.hub.stop)
	return w
}

// newCanvasWorld is a canvas world that runs.
func newCanvasWorld(tb testing.TB, settings ...string) *world {
	tb.Helper()
	w := canvasWorld(tb, settings...)
	w.service.start()
	tb.Cleanup(w.service.stop)
	return w
}

// visit opens the chat.
func (w *world) visit(tb testing.TB, profile string) *visitor {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	v := &visitor{world: w, client: &http.Client{Jar: jar}}
	var own thread
	v.ask(tb, http.MethodPost, "/api/canvas/start", json.RawMessage(profile), &own)
	v.id = own.Conversation.ID
	return v
}

// A thread is what a visitor sees.
type thread struct {
	Conversation struct{ ID, State, Agent string }
	Lines        []struct {
		ID, Event, From, Message string
		Choices                  []struct{ Title, Value string }
	}
}

func (v *visitor) ask(tb testing.TB, method, path string, in, out any) {
	tb.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		tb.Fatal(err)
	}
	req, err := http.NewRequestWithContext(tb.Context(), method, v.hub.url()+path, bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	v.n++
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", fmt.Sprint("key ", v.n))
	req.Header.Set("Origin", v.hub.url())
	resp, err := v.client.Do(req)
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

func (v *visitor) path(what string) string {
	return "/api/canvas/conversations/" + url.PathEscape(v.id) + what
}

func (v *visitor) says(tb testing.TB, texts ...string) {
	tb.Helper()
	for _, text := range texts {
		v.ask(tb, http.MethodPost, v.path("/messages"), map[string]string{"message": text}, nil)
	}
}

func (v *visitor) sees(tb testing.TB) thread {
	tb.Helper()
	var own thread
	v.ask(tb, http.MethodGet, v.path(""), nil, &own)
	return own
}

// told is what the visitor was told, by the copilot or by people.
func (v *visitor) told(tb testing.TB, from string) []string {
	tb.Helper()
	var all []string
	for _, l := range v.sees(tb).Lines {
		if l.From == from && l.Event == "message" {
			all = append(all, l.Message)
		}
	}
	return all
}

// waitTold waits until the visitor was told so many things by the copilot's side.
func (v *visitor) waitTold(tb testing.TB, want ...string) {
	tb.Helper()
	var got []string
	patient(tb, fmt.Sprintf("the visitor is told %q", want), func() bool {
		got = v.told(tb, "copilot")
		return len(got) >= len(want)
	}, func() any { return got })
	if !slices.Equal(got, want) {
		tb.Fatalf("the visitor was told %q, want %q", got, want)
	}
}

// waitState waits until the hub has a conversation so.
func (v *visitor) waitState(tb testing.TB, want string) {
	tb.Helper()
	patient(tb, "the conversation is "+want, func() bool { return v.sees(tb).Conversation.State == want },
		func() any { return v.sees(tb) })
}

// deed is something an agent does at the desk.
func (v *visitor) deed(tb testing.TB, deed string, in any) {
	tb.Helper()
	v.desk(tb, http.MethodPost, "/api/desk/conversations/"+url.PathEscape(v.id)+"/"+deed, in, nil)
}

// patient is eventually that waits for a minute, and tells what there is instead.
func patient(tb testing.TB, what string, ok func() bool, got func() any) {
	tb.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatalf("not in time: %s\ngot %v", what, got())
		}
	}
}

// heard is what the copilot was told over Direct Line, in all conversations: words as
// they are, an event's name, or the type.
func (w *world) heard() []string {
	var all []string
	for _, talk := range w.sandbox.Direct().Conversations() {
		for _, a := range w.sandbox.Direct().Log(talk) {
			switch {
			case a.From.Role != "user":
			case a.Type == activity.TypeMessage:
				all = append(all, a.Text)
			case a.Type == activity.TypeEvent:
				all = append(all, a.Name)
			default:
				all = append(all, a.Type)
			}
		}
	}
	return all
}

// echoing makes the copilot say what it hears.
func (w *world) echoing() {
	w.sandbox.Direct().SetAnswer(func(a activity.Activity) []activity.Activity {
		if a.Type != activity.TypeMessage {
			return nil
		}
		return []activity.Activity{{Type: activity.TypeMessage, Text: "heard " + a.Text}}
	})
}

// lastTalk is the latest conversation over Direct Line.
func (w *world) lastTalk() activity.ConversationID {
	all := w.sandbox.Direct().Conversations()
	return all[len(all)-1]
}

// handsOff has Robin say something to a copilot that gives them away with a.
func (w *world) handsOff(t *testing.T, a activity.Activity) *visitor {
	t.Helper()
	w.sandbox.Direct().SetAnswer(func(in activity.Activity) []activity.Activity {
		if in.Type != activity.TypeMessage {
			return nil
		}
		return []activity.Activity{a}
	})
	v := w.visit(t, `{"name":"Robin","locale":"de-CH"}`)
	v.says(t, "help")
	v.waitState(t, "waiting")
	return v
}

// recordedHandoff reads an activity from a file.
func recordedHandoff(t *testing.T, file string) activity.Activity {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var a activity.Activity
	if err := json.Unmarshal(body, &a); err == nil && a.Type != "" {
		return a
	}
	var set struct{ Activities []activity.Activity }
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(set.Activities, func(a activity.Activity) bool { return a.Name == "handoff.initiate" })
	if i < 0 {
		t.Fatalf("%s has no handoff.initiate", file)
	}
	return set.Activities[i]
}

type spokenLine struct{ Side, Sender, Text string }

// A shownConversation is what the desk shows of one.
type shownConversation struct {
	Conversation struct {
		Problem, Summary, Queue, State string
		Skills                         []string
		Variables                      map[string]string
		User                           struct{ Name, Locale string }
	}
	Past struct{ Transcript []spokenLine }
}

// atDesk is what the agent sees of the visitor, and the notes among agents.
func (v *visitor) atDesk(t *testing.T) (shown shownConversation, notes []string) {
	t.Helper()
	v.desk(t, http.MethodGet, "/api/desk/conversations/"+url.PathEscape(v.id), nil, &shown)
	var all struct {
		Notes []struct{ Agent, Text string }
	}
	var raw json.RawMessage
	v.desk(t, http.MethodGet, "/api/desk/conversations/"+url.PathEscape(v.id)+"/notes", nil, &raw)
	if json.Unmarshal(raw, &all) != nil {
		_ = json.Unmarshal(raw, &all.Notes) // a bare list
	}
	for _, n := range all.Notes {
		notes = append(notes, n.Text)
	}
	return shown, notes
}
