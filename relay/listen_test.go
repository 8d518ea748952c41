package relay_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/livechat"
)

// TestOtherHub: a replica that knows nothing of a hub, as while another configuration
// is rolled out, leaves its conversations to those that do.
func TestOtherHub(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.talking()
	first := r.talk()
	one.stop()
	r.hub = "other"
	two := r.start("two")
	r.sandbox.Direct().Say(first, activity.Activity{Type: activity.TypeMessage, Text: "unasked"})
	eventually(t, "it is heard", func() bool {
		return two.Hear(t.Context(), "other", livechat.CanvasEvent{Kind: livechat.CanvasAsked, ID: "1", Conversation: "c2", Text: "second"}) == nil
	})
	eventually(t, "the other hub's user is answered", func() bool { return slices.Equal(r.chat.said("c2"), []string{"heard second"}) })
	two.stop() // it has heard what it listened to
	r.hub = ""
	r.start("three")
	r.waitSaid("heard first", "unasked")
}

// TestPutBack: a relay to which listening failed is listened to as soon as its user
// speaks.
func TestPutBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.talking().stop()
	if _, err := r.pool.Exec(t.Context(), `UPDATE relay SET listener = NULL, listen_until = now() + interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	r.says(r.start("two"), "second")
	r.waitSaid("heard first", "heard second")
}

// TestHeldRow: a relay that somebody holds for long keeps nobody from listening to
// the others.
func TestHeldRow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.echoes()
	one := r.start("one")
	for _, id := range []livechat.ConversationID{"c1", "c2"} {
		r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasAsked, Conversation: id, Text: "first"})
		eventually(t, "the answer", func() bool { return slices.Equal(r.chat.said(id), []string{"heard first"}) })
	}
	epoch := r.count(`SELECT epoch FROM relay WHERE hub_conversation = 'c2'`)
	tx, err := r.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `SELECT FROM relay WHERE hub_conversation = 'c1' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	<-time.After(r.lease * 6 / 5)
	if now := r.count(`SELECT epoch FROM relay WHERE hub_conversation = 'c2'`); now != epoch {
		t.Errorf("it was begun to be listened to %d times more", now-epoch)
	}
	if n := r.count(`SELECT count(*) FROM relay WHERE hub_conversation = 'c2' AND listen_until > now()`); n != 1 {
		t.Error("its lease has run out")
	}
}
