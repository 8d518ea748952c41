package sandbox_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// opened is what Direct Line answers when it gives a token.
type opened struct {
	ConversationID activity.ConversationID `json:"conversationId"`
	Token          string                  `json:"token"`
	ExpiresIn      int                     `json:"expires_in"`
	StreamURL      string                  `json:"streamUrl"`
}

type spoken struct {
	Activities []activity.Activity `json:"activities"`
	Watermark  string              `json:"watermark"`
}

func (s spoken) texts() []string {
	var all []string
	for _, a := range s.Activities {
		all = append(all, a.From.Role+": "+a.Type+" "+a.Name+a.Text)
	}
	return all
}

func ask[T any](tb testing.TB, method, target, token string, body any, status int) T {
	tb.Helper()
	got, answer := sendRead(patient(tb), tb, method, target, token, body)
	if got != status {
		tb.Fatalf("%s: status %d %s, want %d", method, got, answer, status)
	}
	var out T
	if err := json.Unmarshal(answer, &out); err != nil {
		tb.Fatalf("%s: %v", answer, err)
	}
	return out
}

// line is an open conversation.
func line(tb testing.TB, s *sandbox.Sandbox) (url string, o opened) {
	tb.Helper()
	token := ask[opened](tb, http.MethodGet, s.Direct().TokenURL(), "", nil, http.StatusOK)
	region := ask[struct{ ChannelURLsByID struct{ Directline string } }](tb, http.MethodGet, s.URL()+"/powervirtualagents/regionalchannelsettings?api-version=1", "", nil, http.StatusOK)
	base := region.ChannelURLsByID.Directline + "v3/directline/conversations"
	o = ask[opened](tb, http.MethodPost, base, token.Token, nil, http.StatusCreated)
	if o.ConversationID != token.ConversationID || o.ExpiresIn != 1800 {
		tb.Fatalf("token for %s of %d s opened %s", token.ConversationID, o.ExpiresIn, o.ConversationID)
	}
	return base + "/" + string(o.ConversationID), o
}

func says(text string) activity.Activity {
	return activity.Activity{Type: activity.TypeMessage, Text: text, From: activity.Account{ID: "dl_user"}}
}

// dial opens a stream, or says with which status it was refused.
func dial(tb testing.TB, target string) (*websocket.Conn, int) {
	tb.Helper()
	conn, resp, err := websocket.Dial(patient(tb), target, nil) //nolint:bodyclose // the library reads it and puts a copy in its place
	if err == nil {
		tb.Cleanup(func() { _ = conn.CloseNow() })
	}
	if resp == nil {
		tb.Fatalf("no answer: %v", err)
	}
	return conn, resp.StatusCode
}

func listen(tb testing.TB, target string) *websocket.Conn {
	tb.Helper()
	conn, status := dial(tb, target)
	if conn == nil {
		tb.Fatalf("stream refused with %d", status)
	}
	return conn
}

func frame(tb testing.TB, conn *websocket.Conn) spoken {
	tb.Helper()
	_, data, err := conn.Read(patient(tb))
	if err != nil {
		tb.Fatal(err)
	}
	var out spoken
	if len(data) > 0 && json.Unmarshal(data, &out) != nil {
		tb.Fatalf("frame %s", data)
	}
	return out
}

func TestDirectLineCopilotGreetsAnswersAndHandsOff(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	url, o := line(t, s)
	post := func(a activity.Activity) { ask[any](t, http.MethodPost, url+"/activities", o.Token, a, http.StatusOK) }
	post(activity.Activity{Type: activity.TypeEvent, Name: "startConversation", From: activity.Account{ID: "dl_user"}})
	post(activity.Activity{Type: activity.TypeEvent, Name: "pvaSetContext", Value: []byte(`{"Tier":"gold"}`), From: activity.Account{ID: "dl_user"}})
	for _, text := range []string{"hello", "what is two and two?", "talk to a person", "my printer burns"} {
		post(says(text))
	}
	got := ask[spoken](t, http.MethodGet, url+"/activities", o.Token, nil, http.StatusOK)
	want := []string{
		"user: event startConversation", "bot: message " + sandbox.Greeting,
		"user: event pvaSetContext",
		"user: message hello", "bot: message " + sandbox.Greeting,
		"user: message what is two and two?", "bot: message " + sandbox.Fallback,
		"user: message talk to a person", "bot: message " + sandbox.AskProblem,
		"user: message my printer burns", "bot: message " + sandbox.Transferring, "bot: event handoff.initiate",
	}
	if diff := cmp.Diff(want, got.texts()); diff != "" {
		t.Fatalf("said (-want +got):\n%s", diff)
	}
	event := got.Activities[len(got.Activities)-1]
	var value map[string]any
	if err := json.Unmarshal(event.Value, &value); err != nil {
		t.Fatal(err)
	}
	if value["va_LastTopic"] != "Escalate" || value["va_LastPhrase"] != "talk to a person" || value["Tier"] != "gold" || value["va_AgentMessage"] != sandbox.AgentMessage {
		t.Errorf("value %s", event.Value)
	}
	var transcript spoken
	if a := event.Attachments; len(a) != 1 || a[0].Name != "Transcript" || json.Unmarshal(a[0].Content, &transcript) != nil || len(transcript.Activities) != len(want)-1 {
		t.Errorf("transcript %+v", event.Attachments)
	}
	if v := s.Violations(); v != nil {
		t.Errorf("violations %q", v)
	}
	post(says("are you there?"))
	if v := s.Violations(); len(v) != 1 {
		t.Errorf("the copilot heard a user it had given away: %q", v)
	}
}

func TestDirectLineStreams(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	url, o := line(t, s)
	conn := listen(t, o.StreamURL)
	ask[any](t, http.MethodPost, url+"/activities", o.Token, says("hello"), http.StatusOK)
	var heard spoken
	for len(heard.Activities) < 3 { // with the typing
		set := frame(t, conn)
		if set.Activities[0].Type == activity.TypeTyping && set.Watermark != "" {
			t.Error("typing moved the watermark")
		}
		heard.Activities = append(heard.Activities, set.Activities...)
		heard.Watermark = max(heard.Watermark, set.Watermark)
	}
	if heard.Watermark != "2" {
		t.Errorf("watermark %q", heard.Watermark)
	}
	s.Direct().KeepAlive(o.ConversationID)
	if set := frame(t, conn); set.Activities != nil {
		t.Errorf("keep-alive with %v", set)
	}
	s.Direct().Repeat(o.ConversationID, 1)
	if set := frame(t, conn); len(set.Activities) != 1 || set.Activities[0].Text != sandbox.Greeting || set.Watermark != "1" {
		t.Errorf("a late copy was %v", set)
	}

	extra := ask[opened](t, http.MethodGet, url+"?watermark=1", o.Token, nil, http.StatusOK)
	_, _, err := listen(t, extra.StreamURL).Read(patient(t))
	if closed, ok := errors.AsType[websocket.CloseError](err); !ok || closed.Reason != "collision" || s.Direct().Collisions(o.ConversationID) != 1 {
		t.Errorf("a second stream: %v", err)
	}

	s.Direct().DropStream(o.ConversationID)
	if _, _, err := conn.Read(patient(t)); err == nil {
		t.Error("a dropped stream went on")
	}
	if err := s.Direct().WaitStream(patient(t), o.ConversationID, false); err != nil {
		t.Fatal(err)
	}
	again := ask[opened](t, http.MethodGet, url+"?watermark=1", o.Token, nil, http.StatusOK)
	if set := frame(t, listen(t, again.StreamURL)); len(set.Activities) != 1 || set.Activities[0].Text != sandbox.Greeting || set.Watermark != "2" {
		t.Errorf("from watermark 1: %v", set)
	}
	if _, status := dial(t, again.StreamURL); status != http.StatusForbidden {
		t.Errorf("a stream URL was good twice: %d", status)
	}
}
