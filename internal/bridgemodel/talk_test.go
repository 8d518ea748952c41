package bridgemodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
)

// A talk is all that happens between one user and whoever has them. The peers of
// all replicas write to it.
type talk struct {
	*world

	name   string
	inline bool // the host takes answers in the response
	strict bool // the host refuses what is said out of turn

	action sync.Mutex // the copilot's topics: one posts at a time

	mu            sync.Mutex
	clock         int
	history       []string
	complaints    []string
	hubFaults     faults
	teamsFaults   faults
	copilotFaults faults

	// The hub's.
	chats []*chat
	dead  map[string]bool // keys that open nothing any more

	// Teams'.
	shown   []string
	blocked bool

	// The copilot's.
	escalated bool
	with      string        // the hub's conversation, as the copilot was told
	start     string        // the last start's turn
	begun     int           // when, by the talk's clock
	accepted  time.Time     // when the last start was
	started   chan struct{} // closed when the copilot has the answer to it
	answered  []string      // what the copilot answers itself
	starts    int           // turns that began something

	// What was said, and accepted.
	said  []*said
	posts []func(tb testing.TB, replica int) // each can be repeated
	turns int
}

// A said is a word that its sender knows to be accepted.
type said struct {
	text, id     string
	chat         *chat // an agent's
	begun, taken int   // by the talk's clock
	starts       int   // how many there were
	late         bool  // a user's, said when everybody knew that the hub had ended
}

func (t *talk) tick() int { t.clock++; return t.clock }

// log needs the talk's lock.
func (t *talk) log(format string, args ...any) {
	t.history = append(t.history, time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

func (t *talk) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log(format, args...)
}

// wrong complains. It needs the talk's lock.
func (t *talk) wrong(format string, args ...any) {
	t.complaints = append(t.complaints, t.name+": "+fmt.Sprintf(format, args...))
	t.log("WRONG "+format, args...)
}

func (t *talk) chatByID(id livechat.ConversationID) *chat {
	return t.find(func(c *chat) bool { return c.id == id })
}

func (t *talk) chatByKey(key string) *chat { return t.find(func(c *chat) bool { return c.key == key }) }

func (t *talk) find(is func(*chat) bool) *chat {
	if i := slices.IndexFunc(t.chats, is); i >= 0 {
		return t.chats[i]
	}
	return nil
}

// elsewhere reports whether the copilot had begun something else than the hub's
// conversation id, which was over by then, when an attempt began.
func (t *talk) elsewhere(id string, attempt time.Time) bool {
	if t.accepted.IsZero() || attempt.Before(t.accepted) {
		return false // they crossed
	}
	if t.escalated {
		return t.with != id
	}
	c := t.chatByID(livechat.ConversationID(id))
	return t.started != nil && c != nil && c.over > 0 && c.over < t.begun
}

func (t *talk) settleStart() {
	if t.started != nil {
		close(t.started)
		t.started = nil
	}
}

// A call says something to a bridge and returns what the response says.
type call func(ctx context.Context, b *bridge.Bridge) ([]activity.Activity, error)

// post hands something to one replica or the other until one has it: a sender
// who does not hear comes again. turn is the activity it is, if it is one.
func (t *talk) post(tb testing.TB, what, turn string, replica int, f call) bool {
	tb.Helper()
	for try := range 400 {
		answers, heard, err := t.replicas[(replica+try)%len(t.replicas)].hears(f)
		switch {
		case heard && err == nil:
			t.inTurn(turn, answers)
			return true
		case heard && (errors.Is(err, bridge.ErrEnded) || errors.Is(err, bridge.ErrUnknown)):
			t.note("%s: told %v", what, err)
			return false
		}
		t.note("%s: again after %v", what, err)
		<-time.After(time.Duration(1+try) * time.Millisecond)
	}
	t.mu.Lock()
	t.wrong("R12: nobody takes %s", what)
	t.mu.Unlock()
	return false
}

// turn is the frame of an activity from the copilot.
func (t *talk) turn(kind string, message bool) bridge.Turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turns++
	who := proactive.Target{
		ServiceURL: "https://teams.example/", ChannelID: activity.ChannelTeams,
		Conversation: activity.Conversation{ID: activity.ConversationID(t.name)},
		Bot:          activity.Account{ID: "28:bot"}, User: activity.Account{ID: "29:" + t.name},
	}
	host := who
	host.ServiceURL, host.Audience = "https://host.example/", "copilot"
	return bridge.Turn{
		Key: mapping.Key{BotAppID: "bot", Conversation: who.Conversation.ID},
		ID:  fmt.Sprintf("%s%d", kind, t.turns), Name: kind, Tenant: "tenant", Channel: activity.ChannelTeams,
		User: livechat.User{ID: t.name, Name: "User"}, Inline: t.inline,
		Reference: mapping.Reference{
			Teams: who, Connector: who.ServiceURL, Host: &host, HostActive: message,
		},
	}
}

// inTurn hands the copilot what came in the response to a turn of its own.
func (t *talk) inTurn(turn string, answers []activity.Activity) {
	if turn == "" || !t.inline {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range answers {
		t.copilotTakes(turn, a, time.Time{})
	}
}

// says posts something that may come once more later.
func (t *talk) says(tb testing.TB, what, turn string, replica int, f call) bool {
	tb.Helper()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.posts = append(t.posts, func(tb testing.TB, replica int) {
			tb.Helper()
			t.post(tb, "repeated "+what, turn, replica, f)
		})
	}()
	return t.post(tb, what, turn, replica, f)
}
