package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestR6_CopyOfWhatWasNotHeard: a host that did not hear our answer posts the
// words again under a new id. They are said once if they were accepted, and said
// if they were not; equal words that were heard are two messages.
func TestR6_CopyOfWhatWasNotHeard(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		locked time.Duration // how long the database keeps the first one waiting
		want   []string
	}{
		// The first copy makes up for the answer, and was heard: the second is another.
		"accepted behind its back": {700 * time.Millisecond, []string{"help", "my parcel", "my parcel", "ok", "ok"}},
		// Then the first copy is the message, and was heard: the second is another.
		"never accepted": {5 * time.Second, []string{"help", "my parcel", "my parcel", "ok", "ok"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, user, id := escalated(t, sandbox.Config{})
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
			w.hangUp(t, token, say("m1", "my parcel"), 300*time.Millisecond)
			<-time.After(tc.locked)
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

// hangUp posts an activity and does not wait for the answer.
func (w *world) hangUp(t *testing.T, token string, a map[string]any, after time.Duration) {
	t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.service.url()+"/api/messages", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		resp.Body.Close()
		t.Fatalf("answered %d at once", resp.StatusCode)
	}
}
