package relay_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/sandbox"
)

// TestRefusedLate: that people have control may be heard behind their giving it back.
// It counts for nothing then.
func TestRefusedLate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.talking()
	asked, answer := make(chan bool), make(chan bool)
	r.chat.do(func() {
		r.chat.refuse = func(string) error {
			r.chat.refuse = nil
			close(asked)
			<-answer
			return refusal{http.StatusConflict}
		}
	})
	r.says(one, "second")
	<-asked
	r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasReturned, Pending: []string{"third"}})
	close(answer)
	r.waitSaid("heard first", "heard third")
	r.says(one, "fourth")
	r.waitSaid("heard first", "heard third", "heard fourth")
}

// TestLate: a user whose words do not arrive is told once; who has only opened the
// chat is told nothing.
func TestLate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.overdue = time.Second
	r.echoes()
	both := []replica{r.start("one"), r.start("two")}
	r.sandbox.Fault(sandbox.DirectLine, sandbox.Fault{Status: http.StatusServiceUnavailable})
	r.hears(both[0], livechat.CanvasEvent{Kind: livechat.CanvasOpened})
	<-time.After(2 * time.Second)
	r.waitSaid()
	r.says(both[0], "second", "third")
	const late = "Your message has not been delivered yet. I keep trying; you need not send it again."
	r.waitSaid(late)
	<-time.After(2 * time.Second)
	r.sandbox.ClearFaults(sandbox.DirectLine)
	r.waitSaid(late, "heard second", "heard third")
}
