package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestR6_CopyOfWhatWasNotHeard: a host that did not hear our answer posts the
// words again under a new id. They are said once if they were accepted, and said
// if they were not; equal words that were heard are two messages.
func TestR6_CopyOfWhatWasNotHeard(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		accept time.Duration // how long the door lets the database keep it waiting
		given  bool          // up, before the database goes on
		want   []string
	}{
		// The first copy makes up for the answer, and was heard: the second is another.
		"accepted behind its back": {patientDoor, false, []string{"help", "my parcel", "my parcel", "ok", "ok"}},
		// Then the first copy is the message, and was heard: the second is another.
		"never accepted": {4 * time.Second, true, []string{"help", "my parcel", "my parcel", "ok", "ok"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := build(t, sandbox.Config{})
			w.tune = func(c *app.Config) { c.Accept = tc.accept }
			w.service.start()
			t.Cleanup(w.service.stop)
			k := w.escalation(t)
			user, id := k.user, k.id
			token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
			say := func(id, text string) map[string]any {
				a := turn(w, id, map[string]any{"text": text})
				a["conversation"] = map[string]any{"id": string(user.Conversation()), "conversationType": "personal", "tenantId": tenantID}
				return a
			}
			tx, err := w.db.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), `SELECT FROM mapping FOR UPDATE`); err != nil {
				t.Fatal(err)
			}
			w.hangUp(t, token, say("m1", "my parcel"))
			if tc.given {
				eventually(t, "the door gives up", func() bool { return w.locked(t) == 0 })
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the note", func() bool {
				var n int
				if err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM unheard`).Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n == 1
			})
			for _, m := range [][2]string{{"m1 again", "my parcel"}, {"m1 once more", "my parcel"}, {"m2", "ok"}, {"m3", "ok"}} {
				if status, text := w.post(t, "/api/messages", token, say(m[0], m[1])); status != http.StatusAccepted {
					t.Fatalf("status %d %s", status, text)
				}
			}
			eventually(t, "all words on the desk", func() bool { return len(w.said(t, id)) >= len(tc.want) })
			if diff := cmp.Diff(tc.want, w.said(t, id)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// hangUp posts an activity, and does not wait for the answer any more when the
// database keeps it waiting.
func (w *world) hangUp(t *testing.T, token string, a map[string]any) {
	t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.service.url()+"/api/messages", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	left := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		left <- err
	}()
	eventually(t, "it waits for the database", func() bool { return w.locked(t) > 0 })
	leave()
	if err := <-left; err == nil {
		t.Fatal("answered at once")
	}
}

// locked counts the service's sessions that wait for a lock.
func (w *world) locked(t *testing.T) (n int) {
	t.Helper()
	err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
