package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// shortLease is longer than a busy machine keeps a process waiting. What hangs on it
// happens well before an attempt would be given up by itself.
const (
	shortLease = 5 * time.Second
	byLease    = 3 * shortLease
)

// TestR8_FrozenReplica stops a replica in the middle of a send. The other goes on
// within the lease; the first, awake again, records nothing of what it lost.
func TestR8_FrozenReplica(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	old := r.strike(t, syscall.SIGSTOP)
	taken := r.lane(t)
	if err := r.first.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	woken := time.Now()
	// It renews its leases or ends its attempt, and sees that both are void.
	eventually(t, "the first has noticed", func() bool { return strings.Contains(r.log.String(), `"msg":"attempt did not deliver"`) })
	if took := time.Since(woken); took > byLease {
		t.Errorf("the first went on with its attempt for %s", took)
	}
	r.finish(t)
	if now := r.lane(t); now.acked < taken.acked || now.epoch < taken.epoch {
		t.Errorf("the lane went from %+v back to %+v", taken, now)
	}
	var late int
	err := r.w.db.QueryRow(t.Context(), `SELECT count(*) FROM attempt WHERE destination = 'teams' AND owner = $1 AND seq > $2 AND class = 'delivered'`, old.owner, old.acked).Scan(&late)
	if err != nil || late != 0 {
		t.Errorf("the old owner acknowledged %d deliveries it no longer owned, %v", late, err)
	}
}

// TestR8_KilledReplica kills a replica in the middle of a send.
func TestR8_KilledReplica(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	r.strike(t, syscall.SIGKILL)
	r.finish(t)
}

// replicas are two processes on one database. The world's own is the second; what
// the hub and the copilot post goes there.
type replicas struct {
	w     *world
	user  sandbox.User
	hub   string // conversation
	first *exec.Cmd
	log   *safeBuffer // the first's
	addr  string
	words []string
}

func newReplicas(t *testing.T) *replicas {
	t.Helper()
	w, _ := newProcessWorld(t, sandbox.Config{}, "LIAISON_DELIVERY_LEASE="+shortLease.String(), "LIAISON_DELIVERY_TIMEOUT=1m", "LIAISON_REPLICA=second")
	r := &replicas{w: w, user: w.sandbox.User("Megan"), log: &safeBuffer{}}
	sandboxtest.Say(t, r.user, "talk to a person", "help")
	r.hub = w.chat(t).ID
	sandboxtest.WaitLine(t, r.user, sandbox.ByCopilot, sandbox.OnTheWay)
	ln := listen(t, "")
	r.addr = ln.Addr().String()
	_ = ln.Close()
	r.first = exec.CommandContext(context.WithoutCancel(t.Context()), program(t, "liaison"), "serve")
	r.first.Env = append(append(os.Environ(), w.environ...), "LIAISON_LISTEN="+r.addr, "LIAISON_REPLICA=first")
	r.first.Stdout, r.first.Stderr, r.first.WaitDelay = r.log, r.log, time.Second
	if err := r.first.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.first.Process.Kill()
		_ = r.first.Wait()
		if t.Failed() {
			t.Logf("the first logged:\n%s", r.log)
		}
	})
	eventually(t, "the first is ready", func() bool { return strings.Contains(r.log.String(), `"msg":"serving"`) })
	eventually(t, "nothing is under way", func() bool { return r.lane(t).owner == "" })
	return r
}

// teamsLane is the state of the only lane to Teams.
type teamsLane struct {
	owner        string
	epoch, acked int64
}

func (r *replicas) lane(t *testing.T) teamsLane {
	t.Helper()
	var l teamsLane
	err := r.w.db.QueryRow(t.Context(), `SELECT COALESCE(max(owner), ''), COALESCE(max(epoch), 0), COALESCE(max(acked_seq), 0) FROM lane WHERE destination = 'teams'`).Scan(&l.owner, &l.epoch, &l.acked)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// hear posts an agent's word to the first replica, which then owns the lane.
func (r *replicas) hear(t *testing.T, at, word string) {
	t.Helper()
	body := fmt.Sprintf(`{"conversationId":%q,"id":%q,"message":%q,"sender":"Bo"}`, r.hub, word, word)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at+"/api/livechat/messages", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	replayable(req)
	header := sign(word, time.Now(), body)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s: status %d", word, resp.StatusCode)
	}
	r.words = append(r.words, "**Bo**: "+word)
}

// strike signals the first replica when Teams has done what it asked and has not
// answered, and waits until the second has taken over. It returns the lane as the
// first had it.
func (r *replicas) strike(t *testing.T, sig os.Signal) teamsLane {
	t.Helper()
	r.w.sandbox.Fault(sandbox.Connector, sandbox.Fault{Hang: true, Accept: true, Times: 1})
	r.hear(t, r.addr, "in flight")
	sandboxtest.WaitLine(t, r.user, sandbox.ByAgent, "in flight")
	r.hear(t, r.addr, "behind it")
	old := r.lane(t)
	if !strings.HasPrefix(old.owner, "first/") {
		t.Fatalf("%q owns the lane", old.owner)
	}
	began := time.Now()
	if err := r.first.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	r.hear(t, r.w.service.addr, "meanwhile")
	sandboxtest.WaitLine(t, r.user, sandbox.ByAgent, "meanwhile")
	if took := time.Since(began); took > byLease {
		t.Errorf("the second replica took over after %s", took)
	}
	return old
}

// finish says a last word and looks at all of them.
func (r *replicas) finish(t *testing.T) {
	t.Helper()
	r.hear(t, r.w.service.addr, "afterwards")
	sandboxtest.WaitLine(t, r.user, sandbox.ByAgent, "afterwards")
	eventually(t, "everything is acknowledged", func() bool { return r.lane(t).owner == "" })
	said := r.w.spoken(r.user)
	if diff := cmp.Diff(r.words, slices.Compact(slices.Clone(said))); diff != "" {
		t.Errorf("in Teams, repeats folded (-want +got):\n%s", diff)
	}
	if copies := len(said) - len(r.words) + 1; copies > 2 {
		t.Errorf("Teams got the word in flight %d times", copies)
	}
}
