package chaos

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	_ = os.RemoveAll(built.dir)
	os.Exit(code)
}

// Settings of the runs, from the environment.
const (
	seedVariable = "TEST_CHAOS_SEED" // a number; 1 by default
	spanVariable = "TEST_CHAOS_FOR"  // how long the faults last, as in 10m; a few seconds by default
	raceVariable = "TEST_CHAOS_RACE" // not empty: the replicas look for data races too, and are slow
	keepVariable = "TEST_CHAOS_KEEP" // folder for the history of a run that failed; the temporary folder by default
)

// seed returns the seed to draw from.
func seed(tb testing.TB) uint64 {
	tb.Helper()
	text := os.Getenv(seedVariable)
	if text == "" {
		return 1
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		tb.Fatalf("%s: %v", seedVariable, err)
	}
	return n
}

// span returns how long the faults last, and whether somebody asked for it.
func span(tb testing.TB, short time.Duration) (time.Duration, bool) {
	tb.Helper()
	text := os.Getenv(spanVariable)
	if text == "" {
		return short, false
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		tb.Fatalf("%s: %v", spanVariable, err)
	}
	return d, true
}

// stream returns a source of its own for each part of a run, so that one part's
// draws do not depend on how far another has come.
func stream(seed uint64, part string) *rand.Rand {
	sum := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(part) {
		sum = (sum ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, sum))
}

// between draws a duration.
func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}

// pause waits for d and reports whether ctx still lasts.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// within polls until ok, and reports false when that takes longer than most.
func within(ctx context.Context, most time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for !ok() {
		if !pause(ctx, 10*time.Millisecond) {
			return ok()
		}
	}
	return true
}

var built struct {
	once sync.Once
	dir  string
	err  error
	out  []byte
}

// program builds the real program, once.
func program(tb testing.TB) string {
	tb.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "liaison-chaos-bin-"); built.err != nil {
			return
		}
		args := []string{"build", "-tags", "nomsgpack", "-o", filepath.Join(built.dir, "liaison")}
		if os.Getenv(raceVariable) != "" {
			args = append(args, "-race")
		}
		cmd := exec.CommandContext(tb.Context(), "go", append(args, "github.com/liaison-skill/liaison/cmd/liaison")...)
		built.out, built.err = cmd.CombinedOutput()
	})
	if built.err != nil {
		tb.Fatalf("build liaison: %v\n%s", built.err, built.out)
	}
	return filepath.Join(built.dir, "liaison")
}

// client returns an HTTP client of the test's own.
func client(tb testing.TB, timeout time.Duration) *http.Client {
	tb.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: timeout}
}
