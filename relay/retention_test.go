package relay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
)

// chatted is a rig in which two users have talked: one whose conversation is over, and
// one whose goes on.
func chatted(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.echoes()
	one := r.start("one")
	for _, name := range []string{"over", "open"} {
		c := livechat.ConversationID(name)
		r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasAsked, Conversation: c, ID: name + " said", Text: "secret", User: livechat.User{ID: "user of " + name, Name: "Megan"}})
		eventually(t, "an answer", func() bool { return len(r.chat.said(c)) == 1 })
	}
	r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasEnded, Conversation: "over"})
	eventually(t, "the copilot knows", func() bool { return r.count(`SELECT count(*) FROM relay WHERE token IS NOT NULL`) == 1 })
	eventually(t, "all is delivered", func() bool { return r.count(`SELECT count(*) FROM lane WHERE acked_seq < last_seq`) == 0 })
	one.stop()
	return r
}

func (r *rig) count(sql string) int {
	r.tb.Helper()
	var n int
	if err := r.pool.QueryRow(r.tb.Context(), sql).Scan(&n); err != nil {
		r.tb.Fatal(err)
	}
	return n
}

// TestPrune: a relay goes when nobody has talked for long, and the outbox holds
// nothing of it.
func TestPrune(t *testing.T) {
	t.Parallel()
	r := chatted(t)
	prune := func(want int64) {
		t.Helper()
		if n, err := relay.Prune(t.Context(), r.pool, time.Hour); n != want || err != nil {
			t.Errorf("pruned %d relays, %v; want %d", n, err, want)
		}
	}
	prune(0)
	r.old(t, r.pool)
	prune(0) // its deliveries are still there
	if _, err := delivery.Prune(t.Context(), r.pool, time.Hour, time.Hour); err != nil {
		t.Fatal(err)
	}
	awaken := func(until string) {
		t.Helper()
		sql := `UPDATE relay SET awake = true, listener = 'one/1', listen_until = now() + $1::interval WHERE token IS NOT NULL`
		if _, err := r.pool.Exec(t.Context(), sql, until); err != nil {
			t.Fatal(err)
		}
	}
	awaken("1 hour")
	prune(1) // somebody listens to the other, of which the hub never told the end
	awaken("-1 hour")
	prune(1)
}

// old makes everything a day older.
func (*rig) old(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for column, table := range map[string]string{"opened_at": "relay", "spoke_at": "relay", "created_at": "delivery", "began_at": "attempt"} {
		if _, err := pool.Exec(t.Context(), fmt.Sprintf(`UPDATE %s SET %s = %[2]s - interval '1 day'`, table, column)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), `UPDATE relay SET awake = false`); err != nil {
		t.Fatal(err)
	}
}

// TestPurge: what a user said and was told goes; nothing of others does, and nothing
// is ended.
func TestPurge(t *testing.T) {
	t.Parallel()
	r := chatted(t)
	for _, tc := range []struct {
		hub, user string
		want      relay.Purged
	}{
		{"another", "user of over", relay.Purged{}},
		{"hub", "user of over", relay.Purged{Relays: 1, Deliveries: 3, Attempts: 3}},
		{"", "user of open", relay.Purged{Deliveries: 2, Attempts: 2, Open: 1}},
		{"", "nobody", relay.Purged{}},
	} {
		if got, err := relay.Purge(t.Context(), r.pool, "op", tc.hub, tc.user); got != tc.want || err != nil {
			t.Errorf("purged of %s at %q: %+v, %v; want %+v", tc.user, tc.hub, got, err, tc.want)
		}
	}
	if n := r.count(`SELECT count(*) FROM delivery WHERE payload::text LIKE '%secret%'`); n != 0 {
		t.Errorf("%d deliveries still say what was said", n)
	}
	if n := r.count(`SELECT count(*) FROM relay WHERE profile::text LIKE '%Megan%'`); n != 0 {
		t.Error("the user's name is still there")
	}
	if n := r.count(`SELECT count(*) FROM audit WHERE action = 'purge'`); n != 2 {
		t.Errorf("%d audit rows, want 2", n)
	}
}

// TestSpans: the hub's id of a conversation, and of anything said in it, lead to all
// that was delivered.
func TestSpans(t *testing.T) {
	t.Parallel()
	r := chatted(t)
	for id, want := range map[string]int{"over": 3, "open said": 2, "nothing": 0} {
		spans, err := relay.Spans(t.Context(), r.pool, id)
		if err != nil {
			t.Fatal(err)
		}
		found, err := delivery.TraceSpans(t.Context(), r.pool, spans, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != want {
			t.Errorf("%s leads to %d deliveries, want %d", id, len(found), want)
		}
	}
}
