package bench

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain also is the programs that a run starts.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || os.Args[1] != "serve" && os.Args[1] != "passthrough" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var err error
	if os.Args[1] == "serve" {
		err = ServeProfiled(ctx, os.TempDir())
	} else {
		err = Passthrough(ctx, os.Args[2], os.Args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tiny is everything, of each as little as there can be.
func tiny() scale {
	return scale{
		workers: []int{1, 4}, conversations: []int{8, 16}, rounds: 2, cell: 50 * time.Millisecond, bare: 50 * time.Millisecond,
		paced: 500 * time.Millisecond, pace: 40, history: 40_000, pending: 1000, compared: 16, compare: 50 * time.Millisecond, comparisons: 1,
	}
}

// TestR24_Run measures everything with this program as the service. What the report
// says of times is nobody's business here; that every message arrived once and in
// order is, and so is that every statement has an index: the database is told to
// read whole tables only for want of one.
func TestR24_Run(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs PostgreSQL; left out by -short")
	}
	if _, err := cpuOf(os.Getpid()); err != nil {
		t.Skipf("this machine does not tell what a process uses: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := newCampaign(Options{Program: self, Self: self, Progress: t.Output()}, tiny())
	c.plans.reluctant = true
	if err := withFolder("", func(dir string) error { return c.run(t.Context(), dir) }); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := c.report.Text(&text); err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	if strings.Contains(text.String(), "NaN") || c.report.peak == 0 {
		t.Error("the report lacks figures")
	}
	// What is done once, of what was under way; notes of a minute; an index of
	// letters alone; and a hub's open conversations, which are compared with its own.
	small := []string{"take back lanes", "prune answers not heard", "list letters", "list what a hub has"}
	for _, p := range c.report.plans {
		if p.reads && !slices.Contains(small, p.name) {
			t.Errorf("%s reads something whole: %v", p.name, p.scans)
		}
	}
	for _, name := range []string{
		"enqueue", "claim", "fetch", "move cursors", "find mappings by conversation", "find mappings by hub conversation", "append transcript",
		"list letters", "prune accepted keys", "bury what is parked", "prune deliveries", "prune attempts", "prune mappings",
	} {
		if !slices.ContainsFunc(c.report.plans, func(p plan) bool { return p.name == name }) {
			t.Errorf("%s was not seen", name)
		}
	}
}

func TestProcessesAreMeasured(t *testing.T) {
	t.Parallel()
	m, err := describe(t.TempDir())
	if err != nil {
		t.Skipf("this machine does not tell: %v", err)
	}
	if m.sync <= 0 || m.cores < 1 || m.cpu == "" || m.disk == "" {
		t.Errorf("machine is %+v", m)
	}
	before, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	after := before
	for began := time.Now(); err == nil && after <= before && time.Since(began) < time.Minute; {
		_ = fileSystem("/")
		after, err = cpuOfTree(os.Getpid())
	}
	if err != nil || after <= before {
		t.Errorf("used %s, then %s, %v", before, after, err)
	}
	now, peak, err := memory(os.Getpid())
	if err != nil || now < 1<<20 || peak < now {
		t.Errorf("memory %d, at most %d, %v", now, peak, err)
	}
}
