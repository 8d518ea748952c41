package bench

import (
	"context"
	"os"
	"testing"
	"time"
)

// explainedOnce returns the plans of a service beside a past and a backlog.
func explainedOnce(tb testing.TB, s scale) []plan {
	tb.Helper()
	c := &campaign{Options: Options{Progress: tb.Output()}, scale: s, began: time.Now(), report: &Report{}}
	people := s.mostConversations() + s.mostWorkers() + 2*s.compared
	err := withFolder("", func(dir string) error {
		return withRig(tb.Context(), dir, people, func(ctx context.Context, r *rig) error {
			c.rig = r
			db, err := r.migrated(ctx, "old")
			if err != nil {
				return err
			}
			defer db.Close()
			if err := r.fillPast(ctx, db, s.history); err != nil {
				return err
			}
			return c.explain(ctx, db, "old")
		})
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c.report.plans
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
	for began := time.Now(); time.Since(began) < 60*time.Millisecond; {
		_ = fileSystem("/")
	}
	after, err := cpuOfTree(os.Getpid())
	if err != nil || after <= before {
		t.Errorf("used %s, then %s, %v", before, after, err)
	}
	now, peak, err := memory(os.Getpid())
	if err != nil || now < 1<<20 || peak < now {
		t.Errorf("memory %d, at most %d, %v", now, peak, err)
	}
}
