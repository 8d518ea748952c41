package contoso_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/contoso"
)

// What is recorded while the page is away comes when it is back.
func TestCanvas_events_are_followed_and_resumed(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v, other := h.start(t, "{}"), h.start(t, "{}")
	before := v.shown(t).Seq
	other.ask(t, "not for you")
	v.ask(t, "one")
	want(t, h.bot(t, "say", v.id, map[string]any{"message": "two"}), 200, "")

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+v.path("/events"), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", jsonOf(t, before))
	resp, err := v.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		t.Helper()
		for lines.Scan() {
			text, ok := strings.CutPrefix(lines.Text(), "data: ")
			var e struct{ Line *ownLine }
			if ok && json.Unmarshal([]byte(text), &e) == nil && e.Line != nil {
				return e.Line.Message
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}
	if got := next(); got != "one" {
		t.Errorf("got %q, want one", got)
	}
	until := func(text string) {
		t.Helper()
		for got := next(); got != text; got = next() {
			if got != "one" { // which comes once more when it is settled
				t.Fatalf("got %q before %q", got, text)
			}
		}
	}
	until("two")
	want(t, h.bot(t, "say", v.id, map[string]any{"message": "three"}), 200, "")
	until("three")
}

func TestCanvas_strangers_are_limited(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{Canvas: contoso.Canvas{PerIP: 0.001, PerIPBurst: 3}})
	v := h.start(t, "{}")
	v.ask(t, "one")
	v.ask(t, "two")
	want(t, v.do(t, call{path: v.path("/messages"), body: `{"message":"three"}`}), 429, "too many")
	want(t, h.visit(t).do(t, call{path: "/api/canvas/start", body: "{}"}), 429, "too many")
	want(t, h.bot(t, "say", v.id, map[string]any{"message": "the copilot is no stranger"}), 200, "")
}

func TestCanvas_bounds_of_what_visitors_say(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, jsonOf(t, map[string]string{"name": strings.Repeat("ä", 300)}))
	want(t, v.do(t, call{path: v.path("/messages"), body: jsonOf(t, map[string]string{"message": strings.Repeat("ä", 4000)})}), 200, "")
	want(t, v.do(t, call{path: v.path("/messages"), body: jsonOf(t, map[string]string{"message": strings.Repeat("ä", 4001)})}), 413, "4000")
	want(t, v.do(t, call{path: v.path("/messages"), body: `{"message":" "}`}), 400, "empty")
	want(t, v.do(t, call{path: v.path("/rate"), body: jsonOf(t, map[string]any{"score": 1, "comment": strings.Repeat("x", 1001)})}), 400, "comment")
	h.copilot.wait(t, 1)
	if got := len([]rune(h.copilot.asks(t)[0].User.Name)); got != 200 {
		t.Errorf("a name of %d characters", got)
	}
}

// Only what is with the copilot ends by itself.
func TestCanvas_ends_what_the_user_left(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	left, helped, talking := h.start(t, "{}"), h.start(t, "{}"), h.start(t, "{}")
	want(t, h.bot(t, "pass", helped.id, nil), 200, "")
	for _, sql := range []string{
		`UPDATE contoso.conversation SET started_at = now() - interval '2 hours'`,
		`UPDATE contoso.line SET created_at = now() - interval '2 hours'`,
	} {
		if _, err := h.db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	talking.ask(t, "I am still here")
	run(t, h.db, contoso.Config{Canvas: contoso.Canvas{Idle: time.Hour, WebhookURL: h.copilot.url}})
	eventually(t, "the copilot to be told", func() bool {
		return slices.ContainsFunc(h.copilot.asks(t), func(a asked) bool {
			return a.Event == "ended" && a.ConversationID == left.id && a.Reason == "idle"
		})
	})
	for state, v := range map[string]visit{"ended": left, "waiting": helped, "copilot": talking} {
		if got := v.shown(t).Conversation.State; got != state {
			t.Errorf("got %s, want %s", got, state)
		}
	}
}
