package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
)

// directTokenLife is what Direct Line gives
// (https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-direct-line-3-0-authentication).
const directTokenLife = 30 * time.Minute

// streamTicketLife is how long a stream's URL may be used.
const streamTicketLife = time.Minute

// directLine is the service and the copilot behind it. mu guards what follows it.
type directLine struct {
	base    string // of the sandbox
	secret  string
	botID   string
	violate func(format string, args ...any)

	mu       sync.Mutex
	life     time.Duration
	secured  bool
	form     HandoffForm
	script   func(activity.Activity) []activity.Activity
	tokens   map[string]*directToken
	tickets  map[string]streamTicket
	talks    map[string]*talk
	order    []string // of talks
	gone     map[string]bool
	uploaded map[string]activityFile
}

func newDirectLine(s *Sandbox) *directLine {
	return &directLine{
		base: s.cfg.BaseURL, secret: rand.Text(), botID: s.cfg.CopilotAppID, violate: s.violate, life: directTokenLife,
		tokens: map[string]*directToken{}, tickets: map[string]streamTicket{}, talks: map[string]*talk{},
		gone: map[string]bool{}, uploaded: map[string]activityFile{},
	}
}

// A directToken is good for one conversation.
type directToken struct {
	text, talk, user string
	life             time.Duration
	expires          time.Time
}

func (t *directToken) expired() bool { return !time.Now().Before(t.expires) }

// A streamTicket is what makes a stream's URL good for one connection.
type streamTicket struct {
	talk    string
	from    int
	expires time.Time
}

// A talk is a conversation over Direct Line.
type talk struct {
	id      string
	log     []direct
	changed chan struct{} // closed and replaced by every change
	tap     *tap          // the stream that is open, or nil
	refused int           // streams that came on top

	phase     phase
	handed    bool // the user is with a person, the copilot must hear nothing
	topics    []string
	phrases   []string
	variables map[string]json.RawMessage
}

// direct is an activity as Direct Line shows it.
type direct struct {
	activity.Activity
	Suggested *suggested `json:"suggestedActions,omitempty"`
}

type suggested struct {
	Actions []gin.H `json:"actions"`
}

// An activitySet is what polls and streams bring.
type activitySet struct {
	Activities []direct `json:"activities"`
	Watermark  string   `json:"watermark,omitempty"`
}

func newTalkID() string { return rand.Text()[:22] + "-o" }

// issue makes a token. The caller holds mu.
func (d *directLine) issue(talk, user string) *directToken {
	t := &directToken{text: "dlt." + rand.Text(), talk: talk, user: user, life: d.life, expires: time.Now().Add(d.life)}
	d.tokens[t.text] = t
	return t
}

// ticket is the answer that hands out a token.
func (d *directLine) ticket(t *directToken) gin.H {
	return gin.H{"conversationId": t.talk, "token": t.text, "expires_in": int(math.Ceil(t.life.Seconds()))}
}

// withStream is ticket with a stream that begins at an activity.
func (d *directLine) withStream(t *directToken, from int) gin.H {
	key := rand.Text()
	d.tickets[key] = streamTicket{t.talk, from, time.Now().Add(streamTicketLife)}
	out := d.ticket(t)
	out["streamUrl"] = "ws" + strings.TrimPrefix(d.base, "http") + "/directline/v3/directline/conversations/" + url.PathEscape(t.talk) + "/stream?t=" + key
	return out
}

// wake tells whoever waits for a change. The caller holds mu.
func (t *talk) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// add appends an activity and gives it what Direct Line gives. Typing is not
// kept: only who listens now may see it. The caller holds mu.
func (t *talk) add(a activity.Activity, actions ...string) activity.Activity {
	a.ID = fmt.Sprintf("%s|%07d", t.id, len(t.log))
	a.Timestamp = time.Now().UTC()
	a.ChannelID = "directline"
	a.Conversation = activity.Conversation{ID: activity.ConversationID(t.id)}
	out := direct{Activity: a}
	for _, title := range actions {
		if out.Suggested == nil {
			out.Suggested = &suggested{}
		}
		out.Suggested.Actions = append(out.Suggested.Actions, gin.H{"type": "imBack", "title": title, "value": title})
	}
	if a.Type == activity.TypeTyping {
		out.ID = t.id + "|typing" + rand.Text()
		t.push(encode(activitySet{Activities: []direct{out}}))
		return out.Activity
	}
	t.log = append(t.log, out)
	t.wake()
	return a
}

// push sends a frame to the stream that is open.
func (t *talk) push(frame []byte) {
	if t.tap != nil {
		t.tap.frames = append(t.tap.frames, beside{len(t.log), frame})
		t.wake()
	}
}

// since reads a watermark, which is opaque to everybody else.
func (t *talk) since(watermark string, missing int) (int, bool) {
	if watermark == "" {
		return missing, true
	}
	n, err := strconv.Atoi(watermark)
	return n, err == nil && n >= 0 && n <= len(t.log)
}

// set is what was said from an activity on, before another.
func (t *talk) set(from, to int) activitySet {
	return activitySet{Activities: slices.Concat([]direct{}, t.log[from:to]), Watermark: strconv.Itoa(to)}
}
