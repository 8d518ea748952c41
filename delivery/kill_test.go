package delivery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// The test binary run with these is a service: it delivers to childSink until it
// is killed.
const (
	childDatabase = "DELIVERY_TEST_DATABASE"
	childSink     = "DELIVERY_TEST_SINK"
)

func childMain(database string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return 1
	}
	defer pool.Close()
	o := delivery.New(pool, slog.New(slog.NewTextHandler(os.Stderr, nil)), quick(), "child", httpDestination(os.Getenv(childSink)))
	if err := o.Run(ctx); err != nil {
		return 1
	}
	return 0
}

func httpDestination(url string) *delivery.Destination[word] {
	// Which copies there are is what this is about, not how many are allowed.
	return &delivery.Destination[word]{Name: "x", Repeatable: true, Send: func(ctx context.Context, w word) error {
		body, err := json.Marshal(w)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return peerError{status: resp.StatusCode, unavailable: true}
		}
		return nil
	}}
}

// TestKill kills the sending process again and again while words come in. None is
// lost, each lane's words arrive in order, and a kill repeats at most what was in
// flight in its lane: the word that was sent last.
func TestKill(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	const lanes, each, kills = 8, 40, 6
	var mu sync.Mutex
	got := map[string][]int{}
	repeats, wrong := 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var w word
		body, _ := io.ReadAll(r.Body)
		if json.Unmarshal(body, &w) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		switch n := len(got[w.Lane]); w.N {
		case n:
			got[w.Lane] = append(got[w.Lane], w.N)
		case n - 1:
			repeats++
		default:
			wrong++
		}
	}))
	t.Cleanup(server.Close)
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, words := range got {
			n += len(words)
		}
		return n
	}

	writer := delivery.New(pool, slog.New(slog.DiscardHandler), quick(), "writer", httpDestination(server.URL))
	d := httpDestination(server.URL)
	child := startChild(t, pgtest.URL(pool), server.URL)
	for n := range each {
		for l := range lanes {
			put(t, writer, d, delivery.Header{}, word{fmt.Sprint(l), n})
		}
		if n%(each/kills) == 3 {
			enough := min(count()+1, (n+1)*lanes)
			eventually(t, "some more delivered", func() bool { return count() >= enough })
			if err := child.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait()
			child = startChild(t, pgtest.URL(pool), server.URL)
		}
	}
	eventually(t, "all delivered", func() bool { return count() == lanes*each })
	mu.Lock() // a word may come again all the same
	defer mu.Unlock()
	for l := range lanes {
		if diff := cmp.Diff(numbers(each), got[fmt.Sprint(l)]); diff != "" {
			t.Errorf("lane %d (-want +got):\n%s", l, diff)
		}
	}
	if wrong > 0 {
		t.Errorf("%d words out of order", wrong)
	}
	if repeats > (kills+1)*lanes {
		t.Errorf("%d repeats after %d kills, want at most one per lane and kill", repeats, kills+1)
	}
	t.Logf("%d words, %d kills, %d repeats", lanes*each, kills, repeats)
}

func startChild(t *testing.T, database, sink string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	cmd.Env = append(os.Environ(), childDatabase+"="+database, childSink+"="+sink)
	cmd.Stderr = t.Output()
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}
