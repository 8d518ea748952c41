package bench

import (
	"context"
	"fmt"
	"os"
	"time"
)

// cell is one entry of the table.
type cell struct {
	kind                   kind
	workers, conversations int
}

// compared is one entry of the comparison with and without history.
type compared struct {
	kind kind
	old  bool // beside history
}

// A Report is everything a run measured. Write it with [Report.Text] or
// [Report.Markdown].
type Report struct {
	short    bool
	machine  machine
	scale    scale
	took     time.Duration
	opening  *result
	cells    map[cell]*result
	bare     map[int]*result
	memory   map[int]*result
	cycles   map[int]*result
	paced    map[kind]*result
	compared map[compared]*result
	filled   time.Duration // writing the history took
	resident int64         // bytes, after the last cell
	peak     int64
	plans    []plan
}

// directions are the two ways words go.
func directions() []kind { return []kind{userSays, agentSays} }

// campaign is a run under way.
type campaign struct {
	Options

	scale  scale
	rig    *rig
	plans  planLog
	report *Report
	began  time.Time
}

func newCampaign(o Options, s scale) *campaign {
	return &campaign{Options: o, scale: s, began: time.Now(), report: &Report{
		short: o.Short, scale: s,
		cells: map[cell]*result{}, bare: map[int]*result{}, memory: map[int]*result{}, cycles: map[int]*result{},
		paced: map[kind]*result{}, compared: map[compared]*result{},
	}}
}

// Run measures everything.
func Run(ctx context.Context, o Options) (*Report, error) {
	c := newCampaign(o, o.scale())
	if err := withFolder(o.Dir, func(dir string) error { return c.run(ctx, dir) }); err != nil {
		return nil, err
	}
	c.report.took = time.Since(c.began)
	return c.report, nil
}

// withFolder runs f with a folder of its own below parent, and removes it.
func withFolder(parent string, f func(dir string) error) error {
	dir, err := os.MkdirTemp(parent, "liaison-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	// The database's account has to pass.
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // it holds nothing secret
		return fmt.Errorf("open the folder: %w", err)
	}
	return f(dir)
}

func (c *campaign) run(ctx context.Context, dir string) error {
	c.say("measuring the machine")
	var err error
	if c.report.machine, err = describe(dir); err != nil {
		return err
	}
	// Those who talk all the time, those who come and go, and two groups to compare.
	people := c.scale.mostConversations() + c.scale.mostWorkers() + 2*c.scale.compared
	return withRig(ctx, dir, people, func(ctx context.Context, r *rig) error {
		c.rig = r
		c.report.machine.database = r.database.Version()
		for _, part := range []func(context.Context) error{c.throughput, c.history} {
			if err := part(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *campaign) say(format string, args ...any) {
	fmt.Fprintf(c.Progress, "%5.1fs  "+format+"\n", append([]any{time.Since(c.began).Seconds()}, args...)...)
}

// throughput measures a fresh service, beside its limits.
func (c *campaign) throughput(ctx context.Context) error {
	db, err := c.rig.migrated(ctx, "liaison")
	if err != nil {
		return err
	}
	s, err := c.rig.serve(ctx, "liaison", db, c.Program, "serve")
	if err != nil {
		return err
	}
	defer s.close()
	if err := c.open(ctx, s); err != nil {
		return s.blame(err)
	}
	l, err := c.limits(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	for round := range c.scale.rounds {
		for _, workers := range c.scale.workers {
			if err := c.round(ctx, s, l, workers, round+1); err != nil {
				return s.blame(err)
			}
		}
	}
	if err := c.steady(ctx, s); err != nil {
		return err
	}
	c.report.resident, c.report.peak, err = memory(s.pid())
	return err
}

// open opens everybody's conversation, and has both sides speak once: first words
// change more than later ones do.
func (c *campaign) open(ctx context.Context, s *service) error {
	l := load{kind: userStarts, workers: c.scale.mostWorkers(), people: c.scale.mostConversations()}
	var err error
	if c.report.opening, err = s.target().put(ctx, l); err != nil {
		return err
	}
	c.say("opened %d conversations: %s", l.people, c.report.opening)
	return c.greet(ctx, s, l)
}

func (c *campaign) greet(ctx context.Context, s *service, l load) error {
	for _, l.kind = range directions() {
		if _, err := s.target().put(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// bounds are what runs beside the service.
type bounds struct {
	bare   func(ctx context.Context, workers int) (*result, error)
	memory target
	close  func()
}

func (c *campaign) limits(ctx context.Context) (*bounds, error) {
	pool, err := c.rig.open(ctx, "bare", c.scale.mostWorkers())
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, bareTableSQL); err != nil {
		pool.Close()
		return nil, fmt.Errorf("make the bare table: %w", err)
	}
	p, t, err := c.rig.passThrough(ctx, c.Self)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &bounds{
		bare: func(ctx context.Context, workers int) (*result, error) {
			return bare(ctx, pool, workers, c.scale.bare)
		},
		memory: t,
		close: func() {
			p.stop()
			pool.Close()
		},
	}, nil
}

// round measures every cell of one concurrency once, and the bounds with it.
func (c *campaign) round(ctx context.Context, s *service, b *bounds, workers, round int) error {
	r, err := b.bare(ctx, workers)
	if err != nil {
		return err
	}
	add(c.report.bare, workers, r)
	c.say("round %d, %d at once, bare commits: %s", round, workers, r)
	l := load{kind: userSays, workers: workers, people: c.scale.conversations[0], last: c.scale.bare}
	if r, err = b.memory.put(ctx, l); err != nil {
		return fmt.Errorf("pass-through: %w", err)
	}
	add(c.report.memory, workers, r)
	c.say("round %d, %d at once, pass-through in memory: %s", round, workers, r)
	for _, conversations := range c.scale.conversations {
		for _, kind := range directions() {
			l := load{kind: kind, workers: workers, people: conversations, last: c.scale.cell}
			r, err := s.target().put(ctx, l)
			if err != nil {
				return err
			}
			add(c.report.cells, cell{kind, workers, conversations}, r)
			c.say("round %d, %d at once over %d conversations, %s: %s", round, workers, conversations, kind, r)
		}
	}
	l = load{kind: cycle, workers: workers, first: c.scale.mostConversations(), people: workers, last: c.scale.cell}
	if r, err = s.target().put(ctx, l); err != nil {
		return err
	}
	add(c.report.cycles, workers, r)
	c.say("round %d, %d at once, starts and ends: %s", round, workers, r)
	return nil
}

// steady measures delays at an even pace.
func (c *campaign) steady(ctx context.Context, s *service) error {
	for _, kind := range directions() {
		r, err := s.target().put(ctx, load{
			kind: kind, workers: c.scale.mostWorkers(), people: min(1000, c.scale.mostConversations()), last: c.scale.paced, rate: c.scale.pace,
		})
		if err != nil {
			return err
		}
		add(c.report.paced, kind, r)
		c.say("%d a second, %s: half arrive within %s, 99 %% within %s", c.scale.pace, kind, ms(r.arrive.quantile(0.5)), ms(r.arrive.quantile(0.99)))
	}
	return nil
}

// add merges a result into those of the same key.
func add[K comparable](all map[K]*result, key K, r *result) {
	if before, ok := all[key]; ok {
		before.merge(r)
		return
	}
	all[key] = r
}

// ms writes a duration in milliseconds.
func ms(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
