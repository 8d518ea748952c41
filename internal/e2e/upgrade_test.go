package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// sinceUpgrade is the first file that the release before does not have.
const sinceUpgrade = "migrations/003_outcomes.sql"

// drainWithin is how long a replica may take to end.
const drainWithin = 30 * time.Second

// TestR21_RollingUpgrade replaces the release before by this one, replica after
// replica, while users and agents talk. Both serve one database meanwhile. Nothing
// is refused or lost, everything arrives once and in order.
func TestR21_RollingUpgrade(t *testing.T) { //nolint:paralleltest // a busy database refuses what no upgrade does
	before, now := programBefore(t), program(t, "liaison")
	u := newUpgrade(t)
	replicas := []*part{u.replica("before-1", before), u.replica("before-2", before)}
	u.serve(replicas...)
	c := startCrowd(t, u, "Megan", "Lee", "Adele", "Diego", "Isaiah")
	silent := u.escalate(t, "Lidia")
	c.more(4)
	for n, old := range slices.Clone(replicas) {
		next := u.replica(fmt.Sprintf("now-%d", n+1), now) // the first one migrates
		u.serve(append(replicas, next)...)
		c.more(4)
		if n == 0 {
			u.unreachable(t, silent, next, old)
		}
		replicas = append(slices.DeleteFunc(replicas, func(p *part) bool { return p == old }), next)
		u.serve(replicas...)
		began := time.Now()
		old.stop()
		took := time.Since(began)
		if t.Logf("drained in %s", took.Round(time.Millisecond)); took > drainWithin {
			t.Errorf("a replica took %s to end, want %s at most", took, drainWithin)
		}
		c.more(4)
	}
	u.reachable(t, silent)
	c.end()
	u.settled(t)
}

// An upgrade is a world whose service is several replicas behind a door.
type upgrade struct {
	*world
	t    *testing.T
	door *meddler
}

func newUpgrade(t *testing.T) *upgrade {
	t.Helper()
	u := &upgrade{t: t, door: newMeddler(t)}
	u.world = build(t, sandbox.Config{}, "CONTOSO_WEBHOOK_URL="+u.door.url+"/api/livechat/messages")
	u.db = pgtest.DB(t) // whoever comes first migrates
	u.environ = append(u.environment(), "LIAISON_METRICS_LISTEN=127.0.0.1:0")
	// The release before knows no copilot that is reached over Direct Line.
	u.environ = slices.DeleteFunc(u.environ, func(v string) bool { return strings.HasPrefix(v, "LIAISON_COPILOT_") })
	u.sandbox.SetSkillURL(u.door.url + "/api/messages")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the services logged:\n%s", u.log)
		}
	})
	return u
}

// replica starts a program under a name, and waits until it can accept.
func (u *upgrade) replica(name, program string) *part {
	u.t.Helper()
	p := &part{tb: u.t, serve: func(ctx context.Context, ln net.Listener) error {
		_ = ln.Close() // the program opens it
		cmd := exec.CommandContext(ctx, program, "serve")
		cmd.Env = append(append(os.Environ(), u.environ...), "LIAISON_REPLICA="+name, "LIAISON_LISTEN="+ln.Addr().String())
		if strings.HasPrefix(name, "now") {
			cmd.Env = append(cmd.Env, "LIAISON_TEAMS_RATES=off")
		}
		cmd.Stdout, cmd.Stderr = u.log, u.log
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.WaitDelay = 2 * drainWithin
		err := cmd.Run()
		if errors.Is(err, context.Canceled) {
			return nil // it ended well, when it was told to
		}
		return err
	}}
	p.start()
	u.t.Cleanup(p.stop)
	eventually(u.t, name+" is ready", func() bool { return status(u.t, p.url()+"/readyz", nil) == http.StatusOK })
	return p
}

// serve lets replicas take turns behind the door.
func (u *upgrade) serve(replicas ...*part) {
	u.t.Helper()
	urls := make([]string, len(replicas))
	for i, p := range replicas {
		urls[i] = p.url()
	}
	u.door.to(u.t, urls...)
}

// unreachable lets Teams refuse a user while both releases serve: what this one
// knows about them, the one before keeps to.
func (u *upgrade) unreachable(t *testing.T, k *pairing, next, old *part) {
	t.Helper()
	u.sandbox.Fault(sandbox.Connector, sandbox.Fault{
		Status: http.StatusForbidden, Code: "ConversationBlockedByUser", Conversation: string(k.user.Conversation()),
	})
	u.hear(t, next, k, "one")
	eventually(t, "the lane is parked", func() bool {
		var n int
		err := u.db.QueryRow(t.Context(), `SELECT count(*) FROM lane WHERE parked_at IS NOT NULL`).Scan(&n)
		return err == nil && n == 1
	})
	u.hear(t, old, k, "two")
	u.hear(t, next, k, "three")
}

// hear posts an agent's word to one replica.
func (u *upgrade) hear(t *testing.T, p *part, k *pairing, word string) {
	t.Helper()
	body := fmt.Sprintf(`{"conversationId":%q,"id":%q,"message":%q,"sender":"Bo"}`, k.hub, word, word)
	if got := status(t, p.url()+"/api/livechat/messages", []byte(body), sign(word, time.Now(), body)...); got != http.StatusNoContent {
		t.Errorf("%s: status %d", word, got)
	}
	k.answers = append(k.answers, word)
}

// reachable: the user writes, and gets what waited.
func (u *upgrade) reachable(t *testing.T, k *pairing) {
	t.Helper()
	u.sandbox.ClearFaults(sandbox.Connector)
	sandboxtest.Say(t, k.user, "I am back")
	k.words = append(k.words, "I am back")
	sandboxtest.WaitLine(t, k.user, sandbox.ByAgent, "three")
	k.judge(t, u)
}

// settled: the books balance, nothing was given up, and both releases worked.
func (u *upgrade) settled(t *testing.T) {
	t.Helper()
	counts, err := delivery.Counts(t.Context(), u.db)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if c.Delivered != c.Accepted {
			t.Errorf("not all was delivered: %+v", c)
		}
	}
	for _, replica := range []string{"before-1", "before-2", "now-1", "now-2"} {
		var sent, copies int
		err := u.db.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE ambiguous) FROM attempt WHERE starts_with(owner, $1)`, replica+"/").Scan(&sent, &copies)
		if err != nil {
			t.Fatal(err)
		}
		if t.Logf("%s made %d attempts", replica, sent); sent == 0 || copies > 0 {
			t.Errorf("%s made %d attempts, %d of them ambiguous", replica, sent, copies)
		}
	}
}

// programBefore builds the release before from the history of this one.
func programBefore(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	git := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = filepath.Join("..", "..")
		return cmd.Output()
	}
	added, err := git("log", "--format=%H", "--diff-filter=A", "--", sinceUpgrade)
	if err != nil || len(added) == 0 {
		t.Skip("the release before is built from git's history, which is not here")
	}
	archive, err := git("archive", strings.TrimSpace(string(added))+"~1", "--", "go.mod", "go.sum", "*.go", "*.sql", "wwwroot", "skill")
	if err != nil {
		t.Skip("the release before is built from git's history, of which too little is here")
	}
	source := t.TempDir()
	if err := unpack(archive, source); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "nomsgpack", "-o", "liaison-before", "./cmd/liaison")
	cmd.Dir, cmd.Env = source, append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the release before: %v\n%s", err, out)
	}
	return filepath.Join(source, "liaison-before")
}

func unpack(archive []byte, folder string) error {
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name := filepath.Join(folder, filepath.FromSlash(h.Name)) //nolint:gosec // G305: it is our own history
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return err
		}
	}
}
