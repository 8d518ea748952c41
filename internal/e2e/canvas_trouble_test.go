package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// TestJ6_87_kill kills the service again and again in the middle of a talk. Nothing is
// lost or doubled either way, and the talk goes on in the same conversation.
func TestJ6_87_kill(t *testing.T) {
	t.Parallel()
	w := canvasWorld(t)
	service := &process{tb: t, w: w, bin: program(t, "liaison")}
	t.Cleanup(func() {
		service.kill()
		if t.Failed() {
			t.Logf("the service logged:\n%s", w.log)
		}
	})
	service.start()
	w.echoing()
	v := w.visit(t, `{}`)
	var said, heard []string
	for round := range 3 {
		for n := range 3 {
			word := fmt.Sprintf("word %d.%d", round, n)
			v.says(t, word)
			said, heard = append(said, word), append(heard, "heard "+word)
		}
		service.kill()
		word := fmt.Sprintf("word %d, to nobody", round)
		v.says(t, word)
		said, heard = append(said, word), append(heard, "heard "+word)
		service.start()
		v.waitTold(t, heard...)
	}
	if diff := cmp.Diff(append([]string{"startConversation"}, said...), w.heard()); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
	// One whose opening died with the service stays empty: nobody knows its id.
	talked := slices.DeleteFunc(w.sandbox.Direct().Conversations(), func(id activity.ConversationID) bool {
		return len(w.sandbox.Direct().Log(id)) == 0
	})
	if len(talked) != 1 {
		t.Errorf("talked in %d conversations over Direct Line, want one", len(talked))
	}
}

// TestJ6_88_expired: a token that is refused in the middle of a talk leads to a new
// conversation, which is told what is known; the user is told, and their words go on.
func TestJ6_88_expired(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	w.echoing()
	v := w.visit(t, `{"name":"Robin"}`)
	v.says(t, "one")
	v.waitTold(t, "heard one")
	w.sandbox.Direct().ExpireTokens(w.lastTalk())
	v.says(t, "two")
	v.waitTold(t, "heard one", anew, "heard two")
	if diff := cmp.Diff([]string{"startConversation", "one", "pvaSetContext", "two"}, w.heard()); diff != "" {
		t.Errorf("the copilots heard (-want +got):\n%s", diff)
	}
}

// TestJ6_89_replicas: with two replicas there is one stream for each conversation, and
// the end of the one that listens loses nothing.
func TestJ6_89_replicas(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	second := &part{tb: t, serve: func(ctx context.Context, ln net.Listener) error { return w.serve(ctx, ln, w.environ) }}
	second.start()
	t.Cleanup(second.stop)
	w.echoing()
	v := w.visit(t, `{}`)
	v.says(t, "one", "two")
	v.waitTold(t, "heard one", "heard two")
	second.stop()
	v.says(t, "three")
	v.waitTold(t, "heard one", "heard two", "heard three")
	w.service.stop()
	w.sandbox.Direct().Say(w.lastTalk(), activity.Activity{Type: activity.TypeMessage, Text: "unasked"})
	w.service.start()
	v.waitTold(t, "heard one", "heard two", "heard three", "unasked")
	if n := w.sandbox.Direct().Collisions(w.lastTalk()); n > 0 {
		t.Errorf("%d streams on top of another", n)
	}
	if n := len(w.sandbox.Direct().Conversations()); n != 1 {
		t.Errorf("%d conversations over Direct Line, want one", n)
	}
}

// TestJ6_93_errors: 429 is waited for, 5xx are tried again, and any other 4xx is not:
// then the user is told.
func TestJ6_93_errors(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	w.echoing()
	v := w.visit(t, `{}`)
	v.says(t, "one")
	v.waitTold(t, "heard one")
	began := time.Now()
	w.sandbox.Fault(sandbox.DirectLine, sandbox.Fault{Status: http.StatusTooManyRequests, RetryAfter: 2 * time.Second, Times: 1})
	v.says(t, "two")
	v.waitTold(t, "heard one", "heard two")
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("answered after %s, although Direct Line asked for 2 s", took)
	}
	w.sandbox.Fault(sandbox.DirectLine, sandbox.Fault{Status: http.StatusBadGateway, Times: 2})
	v.says(t, "three")
	v.waitTold(t, "heard one", "heard two", "heard three")
	w.sandbox.Fault(sandbox.DirectLine, sandbox.Fault{Status: http.StatusBadRequest, Times: 1})
	v.says(t, "four")
	const sorry = "Your message could not be delivered to the copilot. Please send it again."
	v.waitTold(t, "heard one", "heard two", "heard three", sorry)
	if slices.Contains(w.heard(), "four") {
		t.Error("what was refused for good was posted again")
	}
}

// TestNobodyAtTheDesk: outside business hours the user is told by a text and the
// copilot by an event, and the copilot goes on.
func TestNobodyAtTheDesk(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t, "LIAISON_HUB_CONTOSO_HOURS=UTC 2020-01-01 09:00-12:00", "LIAISON_COPILOT_EVENT_UNAVAILABLE=nobody.there")
	v := w.visit(t, `{"locale":"de"}`)
	v.says(t, "talk to a person")
	v.waitTold(t, sandbox.Greeting, sandbox.AskProblem)
	v.says(t, "my parcel is lost")
	patient(t, "the copilot knows", func() bool { return slices.Contains(w.heard(), "nobody.there") }, func() any { return w.heard() })
	v.says(t, "hello")
	patient(t, "the copilot goes on", func() bool {
		told := v.told(t, "copilot")
		return len(told) == 5 && strings.HasPrefix(told[3], "Im Moment ist niemand da") && told[4] == sandbox.Greeting
	}, func() any { return v.told(t, "copilot") })
	if s := v.sees(t).Conversation.State; s != "copilot" {
		t.Errorf("the conversation is %s", s)
	}
}

// TestCanvasSignature: without the hub's signature nothing is heard, and a stranger does
// not learn whether there is such a chat.
func TestCanvasSignature(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	body := `{"Event":"asked","Id":"1","ConversationId":"x","Message":"hello"}`
	for _, hub := range []string{"contoso", "other"} {
		if status, _ := w.post(t, "/api/hubs/"+hub+"/canvas", "", []byte(body)); status != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", hub, status)
		}
	}
	for range 2 {
		if status, answer := w.post(t, "/api/hubs/contoso/canvas", "", []byte(body), sign("1", time.Now(), body)...); status != http.StatusNoContent || answer != "" {
			t.Errorf("status %d %q, want 204", status, answer)
		}
	}
	patient(t, "the copilot hears it once", func() bool { return slices.Contains(w.heard(), "hello") }, func() any { return w.heard() })
	if diff := cmp.Diff([]string{"startConversation", "hello"}, w.heard()); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
}
