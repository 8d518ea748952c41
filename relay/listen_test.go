package relay_test

import (
	"slices"
	"testing"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/livechat"
)

// TestOtherHub: a replica that knows nothing of a hub, as while another configuration
// is rolled out, leaves its conversations to those that do.
func TestOtherHub(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.echoes()
	one := r.start("one")
	r.says(one, "first")
	r.waitSaid("heard first")
	first := r.talk()
	one.stop()
	r.hub = "other"
	two := r.start("two")
	r.sandbox.Direct().Say(first, activity.Activity{Type: activity.TypeMessage, Text: "unasked"})
	if err := two.Hear(t.Context(), "other", livechat.CanvasEvent{Kind: livechat.CanvasAsked, ID: "1", Conversation: "c2", Text: "second"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other hub's user is answered", func() bool { return slices.Equal(r.chat.said("c2"), []string{"heard second"}) })
	two.stop() // it has heard what it listened to
	r.hub = ""
	r.start("three")
	r.waitSaid("heard first", "unasked")
}
