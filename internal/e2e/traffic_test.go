package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A rollingWorld has a door before each program, behind which the program can be
// replaced while requests come.
type rollingWorld struct {
	*world
	t             testing.TB // the whole test, which outlives its parts
	door, hubDoor *meddler
	hubSettings   []string // of the next hub
}

func newRollingWorld(tb testing.TB, settings ...string) *rollingWorld {
	tb.Helper()
	r := &rollingWorld{t: tb, door: newMeddler(tb), hubDoor: newMeddler(tb)}
	r.hubSettings = []string{"CONTOSO_WEBHOOK_URL=" + r.door.url + "/api/livechat/messages"}
	r.world = newWorld(tb, sandbox.Config{}, slices.Concat(
		[]string{"LIAISON_HUB_CONTOSO_URL=" + r.hubDoor.url, "LIAISON_TEAMS_RATES=off"}, r.hubSettings, settings)...)
	r.hubDoor.to(tb, r.hub.url())
	r.door.to(tb, r.service.url())
	r.sandbox.SetSkillURL(r.door.url + "/api/messages")
	return r
}

// rollService replaces the service with one of the settings of now, as a rolling
// restart does: the new one is ready before the old one ends.
func (r *rollingWorld) rollService(tb testing.TB) {
	tb.Helper()
	environ := slices.Clone(r.environ)
	next := &part{tb: r.t, serve: func(ctx context.Context, ln net.Listener) error { return r.serve(ctx, ln, environ) }}
	r.roll(tb, r.door, r.service, next, "/readyz")
	r.service = next
}

// rollHub does the same to the hub.
func (r *rollingWorld) rollHub(tb testing.TB) {
	tb.Helper()
	next := r.hubPart(r.t, r.hubSettings...)
	r.roll(tb, r.hubDoor, r.hub, next, "/")
	r.hub = next
}

func (r *rollingWorld) roll(tb testing.TB, door *meddler, before, next *part, probe string) {
	tb.Helper()
	next.start()
	r.t.Cleanup(next.stop)
	eventually(tb, "the next one is ready", func() bool { return status(tb, next.url()+probe, nil) == http.StatusOK })
	door.to(tb, next.url())
	before.stop()
}

// status is that of the answer, to a post if there is a body; 0 without one.
func status(tb testing.TB, at string, body []byte, header ...string) int {
	tb.Helper()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(tb.Context(), method, at, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// traffic is a user and an agent who talk without a pause, and callers beside
// them, until end.
type traffic struct {
	chatter

	w    *rollingWorld
	user sandbox.User
	id   string
	sent map[string]*[]string // by who sent it
}

// Everybody has a text on its way this often, and waits this long for an answer.
const (
	trafficPace   = 50 * time.Millisecond
	trafficWithin = time.Minute
)

// startTalking opens a conversation and lets both sides talk.
func startTalking(t *testing.T, w *rollingWorld) *traffic {
	t.Helper()
	tr := &traffic{
		chatter: chatter{t: t, stop: make(chan struct{})}, w: w, user: w.sandbox.User("Megan"),
		sent: map[string]*[]string{"user": {"help"}, "agent": {}, "others": {}},
	}
	sandboxtest.Say(t, tr.user, "talk to a person", "help")
	tr.id = w.chat(t).ID
	agent := w.signIn(t)
	old := []string{
		sandboxtest.Mint(t, w.sandbox, sandbox.Token{}), sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: sandbox.SkillCallV1}),
		sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: sandbox.ChannelCall}),
	}
	tr.keep(trafficPace, trafficWithin, "user", tr.sent["user"], func(ctx context.Context, text string) error { return tr.user.Say(ctx, text) })
	tr.keep(trafficPace, trafficWithin, "agent", tr.sent["agent"], func(ctx context.Context, text string) error {
		at := w.hubDoor.url + "/api/desk/conversations/" + url.PathEscape(tr.id) + "/messages"
		return send(ctx, agent, at, "", map[string]string{"message": text})
	})
	tr.keep(trafficPace, trafficWithin, "others", tr.sent["others"], func(ctx context.Context, _ string) error {
		fresh := []string{sandboxtest.Mint(t, w.sandbox, sandbox.Token{}), sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: sandbox.ChannelCall})}
		for _, token := range slices.Concat(old, fresh) {
			if err := send(ctx, http.DefaultClient, w.door.url+"/api/messages", token, hello(w.world)); err != nil {
				return err
			}
		}
		return nil
	})
	sandboxtest.WaitLine(t, tr.user, sandbox.ByAgent, "agent 1")
	tr.more(t, 1)
	return tr
}

// send posts a body and wants to hear that it was accepted.
func send(ctx context.Context, client *http.Client, at, token string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s: status %d", req.URL.Path, resp.StatusCode)
	}
	return nil
}

// more waits until everybody has sent n more.
func (tr *traffic) more(tb testing.TB, n int) {
	tb.Helper()
	count := func(who string) int {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return len(*tr.sent[who])
	}
	for _, who := range []string{"user", "agent", "others"} {
		want := count(who) + n
		eventually(tb, who+" goes on", func() bool { return count(who) >= want })
	}
}

const userLinesSQL = `
SELECT body
FROM contoso.line
WHERE author = 'user' AND event = 'message'
ORDER BY position`

// end stops everybody. All that was sent has been accepted, and has arrived, once
// and in order.
func (tr *traffic) end() {
	tr.t.Helper()
	close(tr.stop)
	tr.done.Wait()
	for _, refused := range tr.refused {
		tr.t.Errorf("refused: %s", refused)
	}
	for _, c := range tr.w.sandbox.Calls() {
		if c.Status/100 != 2 {
			tr.t.Errorf("the skill answered %s with status %d", c.Activity.Text, c.Status)
		}
	}
	sandboxtest.WaitLine(tr.t, tr.user, sandbox.ByAgent, (*tr.sent["agent"])[len(*tr.sent["agent"])-1])
	var heard []string
	for _, line := range byAuthor(tr.user, sandbox.ByAgent) {
		if _, text, ok := strings.Cut(line, "**: "); ok {
			heard = append(heard, text)
		}
	}
	if diff := cmp.Diff(*tr.sent["agent"], heard); diff != "" {
		tr.t.Errorf("in Teams (-sent +seen):\n%s", diff)
	}
	var read []string
	eventually(tr.t, "the user's last words at the hub", func() bool {
		rows, err := tr.w.hubDB.Query(tr.t.Context(), userLinesSQL)
		if err != nil {
			tr.t.Fatal(err)
		}
		read, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err == nil && len(read) >= len(*tr.sent["user"])
	})
	if diff := cmp.Diff(*tr.sent["user"], read); diff != "" {
		tr.t.Errorf("at the hub (-sent +seen):\n%s", diff)
	}
	for what, log := range map[string]string{"webhook not delivered": tr.w.hubLog.String(), "delivery given up": tr.w.log.String()} {
		if strings.Contains(log, what) {
			tr.t.Errorf("a log says %q:\n%s", what, log)
		}
	}
	tr.t.Logf("%d words of the user, %d of the agent, %d rounds of others: none refused, none lost",
		len(*tr.sent["user"]), len(*tr.sent["agent"]), len(*tr.sent["others"]))
}
