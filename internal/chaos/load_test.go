package chaos

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// A load lets users and agents talk. As hosts and hubs do, it posts what was not
// answered with 2xx again under the same id, to whichever replica serves.
type load struct {
	w      *world
	client *http.Client
	token  string
	deck   *rand.Rand // picks replicas; guarded by mu
	mu     sync.Mutex

	posts, copies atomic.Int64
	visitors      atomic.Int64
	statuses      map[string]int
	answers       []time.Duration // how long answers took, good or bad
}

func newLoad(tb testing.TB, w *world) *load {
	tb.Helper()
	token, err := w.sandbox.Mint(sandbox.Token{})
	if err != nil {
		tb.Fatal(err)
	}
	return &load{w: w, client: client(tb, 2500*time.Millisecond), token: token, deck: stream(w.plan.seed, "replicas"), statuses: map[string]int{}}
}

func userName(conversation int) string { return fmt.Sprintf("user-%03d", conversation) }

// open starts every conversation and waits until the hub has them all.
func (l *load) open(ctx context.Context) error {
	for c := range l.w.plan.conversations {
		a := l.activity(c, activity.TypeEvent, "start-"+strconv.Itoa(c))
		a.Name = "startConversation"
		if !l.insist(ctx, "/api/messages", a) {
			return fmt.Errorf("the start of conversation %d was refused", c)
		}
	}
	const openSQL = `SELECT count(*) FROM mapping WHERE state IN ('waiting', 'active')`
	open := 0
	if !within(ctx, time.Minute, func() bool {
		err := l.w.db.QueryRow(ctx, openSQL).Scan(&open)
		return err == nil && open == l.w.plan.conversations
	}) {
		return fmt.Errorf("%d of %d conversations are open", open, l.w.plan.conversations)
	}
	return nil
}

// run talks until quiet, and then ends what it has begun to say, before ctx ends.
func (l *load) run(ctx, quiet context.Context) {
	var all sync.WaitGroup
	for c := range l.w.plan.conversations {
		for _, to := range []direction{toHub, toTeams} {
			every := l.w.plan.userEvery
			if to == toTeams {
				every = l.w.plan.agentEvery
			}
			rng := stream(l.w.plan.seed, fmt.Sprintf("speaker %d %c", c, to))
			all.Go(func() { l.speak(ctx, quiet, wordID{conversation: c, to: to}, every, rng) })
		}
	}
	all.Wait()
}

// speak is one side of one conversation. Most words wait until the one before was
// accepted; some do not, and their order is the service's to choose.
func (l *load) speak(ctx, quiet context.Context, id wordID, every time.Duration, rng *rand.Rand) {
	for {
		if !pause(quiet, time.Duration(rng.ExpFloat64()*float64(every))) {
			return
		}
		together := 1
		if rng.IntN(20) == 0 {
			together = 2 + rng.IntN(3)
		}
		var all sync.WaitGroup
		for range together {
			id.n++
			next, manner := id, rng.IntN(20)
			all.Go(func() { l.say(ctx, next, manner) })
		}
		all.Wait()
	}
}

// say posts a word until it is accepted. Its manner makes some posts come twice:
// at once, or again later.
func (l *load) say(ctx context.Context, id wordID, manner int) {
	if manner == 0 {
		l.copies.Add(1)
		var twin sync.WaitGroup
		twin.Go(func() { l.try(ctx, id) })
		defer twin.Wait()
	}
	for !l.try(ctx, id) {
		if !pause(ctx, 50*time.Millisecond) {
			return
		}
	}
	if manner == 1 { // the answer was lost on its way to the sender
		l.copies.Add(1)
		l.try(ctx, id)
	}
}

// try posts a word once and reports whether it is accepted.
func (l *load) try(ctx context.Context, id wordID) bool {
	r := l.pick()
	return r != nil && l.tryAt(ctx, r, id)
}

// tryAt posts a word to one replica.
func (l *load) tryAt(ctx context.Context, r *replica, id wordID) bool {
	return l.tryStatus(ctx, r, id)/100 == 2
}

// tryStatus posts a word to one replica and returns the status of the answer, 0
// without one.
func (l *load) tryStatus(ctx context.Context, r *replica, id wordID) int {
	l.w.history.posting(id)
	l.posts.Add(1)
	var status int
	began := time.Now()
	if id.to == toHub {
		a := l.activity(id.conversation, activity.TypeMessage, id.String())
		a.Text, a.TextFormat = id.String(), activity.FormatPlain
		status = l.post(ctx, r, "/api/messages", a)
	} else {
		status = l.post(ctx, r, "/api/livechat/messages", map[string]any{
			"ConversationId": l.w.hub.conversation(userName(id.conversation)),
			"Id":             id.String(), "Message": id.String(), "Sender": "Bo", "Event": "message",
		})
	}
	l.note(id.to, status, time.Since(began))
	if status/100 == 2 {
		r.took.Add(1)
		l.w.history.accepted(id)
	}
	return status
}

// note keeps how a post was answered.
func (l *load) note(to direction, status int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if status == 0 {
		l.statuses["no answer"]++
		return
	}
	l.statuses[fmt.Sprintf("%d for %s", status, to)]++
	l.answers = append(l.answers, took)
}

// pick chooses a replica that serves, or returns nil.
func (l *load) pick() *replica {
	var up []*replica
	for _, r := range l.w.replicas {
		if r.serves() {
			up = append(up, r)
		}
	}
	if len(up) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return up[l.deck.IntN(len(up))]
}

// activity is a call of the skill as hosts on the Bot Framework make it.
func (l *load) activity(conversation int, kind, id string) activity.Activity {
	user := l.w.sandbox.User(userName(conversation))
	where := activity.Conversation{ID: user.Conversation(), ConversationType: "personal", TenantID: tenantID}
	return activity.Activity{
		Type: kind, ID: id, ChannelID: activity.ChannelTeams,
		ServiceURL:   l.w.sandbox.URL() + "/pvaruntime/api/runtime/bots/" + copilotID + "/skillsV2/",
		From:         activity.Account{ID: user.ID(), Name: userName(conversation)},
		Conversation: where,
		RelatesTo:    &activity.RelatesTo{ServiceURL: l.w.net.proxied() + "/teams/", ChannelID: activity.ChannelTeams, Conversation: where},
	}
}

// post posts a body and returns the status of the answer, 0 without one.
func (l *load) post(ctx context.Context, r *replica, path string, v any) int {
	body, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url()+path, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	if path == "/api/messages" {
		req.Header.Set("Authorization", "Bearer "+l.token)
	} else {
		sign(req.Header, body)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// sign signs a webhook by Standard Webhooks, version 1.
func sign(header http.Header, body []byte) {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	id, stamp := "msg", strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", stamp)
	header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
