package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// refuseWithin is how long a door may take to refuse, on a busy machine too.
const refuseWithin = 10 * time.Second

// TestR22_pool_exhausted: every connection of the service waits for somebody
// else's lock.
func TestR22_pool_exhausted(t *testing.T) {
	t.Parallel()
	overload(t, "mapping", func(w *world) {
		w.environ = append(w.environ, "DATABASE_URL="+withPool(pgtest.URL(w.db), 2))
	})
}

// TestR22_database_slow: what is accepted cannot be written down for seconds.
func TestR22_database_slow(t *testing.T) {
	t.Parallel()
	overload(t, "accepted", func(*world) {})
}

func withPool(databaseURL string, n int) string {
	sep := "?"
	if strings.Contains(databaseURL, "?") {
		sep = "&"
	}
	return fmt.Sprintf("%s%spool_max_conns=%d", databaseURL, sep, n)
}

// overload locks a table under a conversation. The doors refuse in time, nothing
// refused is accepted, nothing accepted is lost, and all goes on by itself.
func overload(t *testing.T, table string, set func(*world)) {
	t.Helper()
	w := build(t, sandbox.Config{})
	w.tune = hasty
	set(w)
	w.service.start()
	t.Cleanup(w.service.stop)
	d := newDoors(t, w)
	d.accept("before")
	unlock := hold(t, w.db, table)
	d.refuse("during")
	other := w.doorsOf(t, &pairing{user: w.sandbox.User("Lee")})
	if a := other.start(); a.status != http.StatusServiceUnavailable || a.after == "" || a.took > refuseWithin {
		t.Errorf("a start: status %d, Retry-After %q after %s, want 503 with Retry-After within %s", a.status, a.after, a.took, refuseWithin)
	}
	unlock()
	d.recover("after")
	d.settled("before", "during", "after")
}

// hold locks a table until it is told to let go.
func hold(t *testing.T, db *pgxpool.Pool, table string) (release func()) {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release = func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) } // twice does no harm
	t.Cleanup(release)
	if _, err := tx.Exec(t.Context(), "LOCK TABLE "+pgx.Identifier{table}.Sanitize()+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return release
}

// doors post a conversation's words at both of them, under ids that stay the same
// when a word is said again.
type doors struct {
	t          *testing.T
	w          *world
	token, hub string
	user       sandbox.User
	conv       map[string]any
}

func newDoors(t *testing.T, w *world) *doors {
	t.Helper()
	user := w.sandbox.User("Megan")
	sandboxtest.Say(t, user, "talk to a person", "help")
	id := w.chat(t).ID
	sandboxtest.WaitLine(t, user, sandbox.ByCopilot, sandbox.OnTheWay)
	return &doors{
		t: t, w: w, hub: id, user: user, token: sandboxtest.Mint(t, w.sandbox, sandbox.Token{}),
		conv: map[string]any{"id": string(user.Conversation()), "conversationType": "personal", "tenantId": tenantID},
	}
}

// say posts word at both doors at once and returns their answers.
func (d *doors) say(word string) [2]answer {
	d.t.Helper()
	a := turn(d.w, "user "+word, map[string]any{"text": word, "conversation": d.conv})
	raw, err := json.Marshal(a)
	if err != nil {
		d.t.Fatal(err)
	}
	event := fmt.Sprintf(`{"conversationId":%q,"id":%q,"message":%q,"sender":"Bo"}`, d.hub, "agent "+word, word)
	hub := make(chan answer, 1)
	go func() {
		hub <- d.post("/api/livechat/messages", []byte(event), sign("agent "+word, time.Now(), event)...)
	}()
	copilot := d.post("/api/messages", raw, "Authorization", "Bearer "+d.token)
	return [2]answer{copilot, <-hub}
}

// answer is a door's.
type answer struct {
	status int // 0 for none
	after  string
	took   time.Duration
}

func (d *doors) post(path string, body []byte, header ...string) answer {
	began := time.Now()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.w.service.url()+path, bytes.NewReader(body))
	if err != nil {
		return answer{}
	}
	replayable(req)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}
	}
	_ = resp.Body.Close()
	return answer{resp.StatusCode, resp.Header.Get("Retry-After"), time.Since(began)}
}

func (d *doors) accept(word string) {
	d.t.Helper()
	for _, a := range d.say(word) {
		if a.status/100 != 2 {
			d.t.Fatalf("%s: status %d", word, a.status)
		}
	}
}

func (d *doors) refuse(word string) {
	d.t.Helper()
	for i, a := range d.say(word) {
		if a.status != http.StatusServiceUnavailable || a.after == "" || a.took > refuseWithin {
			d.t.Errorf("door %d: status %d, Retry-After %q after %s, want 503 with Retry-After within %s", i, a.status, a.after, a.took, refuseWithin)
		}
	}
}

// recover says what was refused again, as a careful peer does, and then word.
func (d *doors) recover(word string) {
	d.t.Helper()
	for _, again := range []string{"during", word} {
		eventually(d.t, again+" is accepted", func() bool {
			answers := d.say(again)
			return answers[0].status/100 == 2 && answers[1].status/100 == 2
		})
	}
}

// settled waits until both sides have the words, each once and in order.
func (d *doors) settled(words ...string) {
	d.t.Helper()
	last := words[len(words)-1]
	sandboxtest.WaitLine(d.t, d.user, sandbox.ByAgent, last)
	eventually(d.t, "the last word on the desk", func() bool {
		said := d.w.said(d.t, d.hub)
		return said[len(said)-1] == last
	})
	if diff := cmp.Diff(append([]string{"help"}, words...), d.w.said(d.t, d.hub)); diff != "" {
		d.t.Errorf("at the hub (-want +got):\n%s", diff)
	}
	var want []string
	for _, word := range words {
		want = append(want, "**Bo**: "+word)
	}
	if diff := cmp.Diff(want, d.w.spoken(d.user)); diff != "" {
		d.t.Errorf("in Teams (-want +got):\n%s", diff)
	}
}

// spoken is what the user sees of agents' words.
func (w *world) spoken(user sandbox.User) []string {
	var lines []string
	for _, line := range byAuthor(user, sandbox.ByAgent) {
		if strings.HasPrefix(line, "**") {
			lines = append(lines, line)
		}
	}
	return lines
}
