package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/mapping"
)

// A plan is how the database ran one of the service's statements, over all the
// times it ran.
type plan struct {
	name  string
	calls int
	total time.Duration
	scans []string // of tables, each as it was first seen
	reads bool     // one of them reads a whole table or index of the service
}

// A planLog collects plans that the database's own auto_explain reports, so that
// what is looked at is what ran: the service's statements, prepared, with its
// arguments.
type planLog struct {
	reluctant bool // read whole tables only for want of an index, however small they are

	mu    sync.Mutex
	byID  map[string]*plan
	order []string
}

// attach makes cfg's connections report into the log. The role must be allowed to
// load auto_explain.
func (g *planLog) attach(cfg *pgxpool.Config) {
	cfg.ConnConfig.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { g.notice(n.Message) }
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		seqscan := map[bool]string{true: "off", false: "on"}[g.reluctant]
		for _, sql := range []string{
			`SET enable_seqscan = ` + seqscan,
			`LOAD 'auto_explain'`,
			`SET auto_explain.log_min_duration = 0`,
			`SET auto_explain.log_analyze = on`,
			`SET auto_explain.log_timing = off`,
			`SET auto_explain.log_format = 'json'`,
			`SET auto_explain.log_level = 'notice'`,
		} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("explain statements: %w", err)
			}
		}
		return nil
	}
}

// node is a part of a plan.
type node struct {
	Type     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Index    string  `json:"Index Name"`
	Cond     string  `json:"Index Cond"`
	Loops    float64 `json:"Actual Loops"`
	Plans    []node  `json:"Plans"`
}

// notice takes a message of the form "duration: 0.123 ms  plan: {…}".
func (g *planLog) notice(message string) {
	head, body, ok := strings.Cut(message, "plan:")
	if !ok {
		return
	}
	var in struct {
		Query string `json:"Query Text"`
		Plan  node   `json:"Plan"`
	}
	if json.Unmarshal([]byte(body), &in) != nil {
		return
	}
	took, _ := time.ParseDuration(strings.ReplaceAll(strings.TrimSpace(strings.TrimPrefix(head, "duration:")), " ", ""))
	g.mu.Lock()
	defer g.mu.Unlock()
	name := statementName(in.Query)
	p := g.byID[name]
	if p == nil {
		p = &plan{name: name}
		if g.byID == nil {
			g.byID = map[string]*plan{}
		}
		g.byID[name] = p
		g.order = append(g.order, name)
	}
	p.calls++
	p.total += took
	p.see(in.Plan)
}

// see notes the tables and indexes a plan reads. What it never came to does not
// count. An index without a condition is read whole too, unless a limit ends it.
func (p *plan) see(n node) { p.look(n, false) }

func (p *plan) look(n node, limited bool) {
	if name := cmp.Or(n.Index, n.Relation); name != "" && n.Loops > 0 && strings.HasSuffix(n.Type, "Scan") {
		how := n.Type + " " + name
		if n.Type == "Seq Scan" || n.Index != "" && n.Cond == "" && !limited {
			how += " WHOLE"
			p.reads = true
		}
		if !slices.Contains(p.scans, how) {
			p.scans = append(p.scans, how)
		}
	}
	for _, child := range n.Plans {
		p.look(child, n.Type == "Limit")
	}
}

// statementName says what a statement does, by what only it says.
func statementName(sql string) string {
	for _, known := range []struct{ text, name string }{
		{"INSERT INTO lane AS l", "enqueue"},
		{"d.expires_at BETWEEN", "claim expired"},
		{"k.doubtful", "claim"},
		{"INSERT INTO attempt", "move cursors"},
		{"ORDER BY COALESCE(d.buried_at", "list letters"},
		{"DELETE FROM accepted", "prune accepted keys"},
		{"DELETE FROM unheard", "prune answers not heard"},
		{"old.upto", "bury what is parked"},
		{"FOR UPDATE OF d SKIP LOCKED", "prune deliveries"},
		{"DELETE FROM attempt", "prune attempts"},
		{"m.closed_at < now()", "prune mappings"},
		{"m.state IN ('waiting', 'active')", "list what a hub has"},
		{"WHERE wake_at <= now()", "find waits that are over"},
		{"d.created_at < now() - $2", "find words that take long"},
		{"FROM delivery", "fetch"},
		{"m.conversation_id = inp.conversation", "find mappings by conversation"},
		{"m.hub_conversation = inp.conversation", "find mappings by hub conversation"},
		{"INSERT INTO mapping", "reserve mapping"},
		{"INSERT INTO entry", "append transcript"},
		{"INSERT INTO accepted", "accept turn"},
		{"UPDATE mapping AS m", "refresh reference"},
		{"SET hub_conversation", "record hub conversation"},
		{"SET state = 'active'", "join mapping"},
		{"SET state = 'closed'", "close mapping"},
		{"acked_seq = GREATEST(acked_seq", "move one cursor"},
		{"acked_seq = $", "settle"},
		{"m.conversation_id = $", "find open mapping"},
		{"WHERE m.id =", "get mapping"},
		{"regexp_replace", "take back lanes"},
		{"SELECT connector", "find connector"},
	} {
		if strings.Contains(sql, known.text) {
			return known.name
		}
	}
	words := strings.Fields(sql)
	return strings.Join(words[:min(len(words), 6)], " ")
}

// all returns the plans in the order they were first seen.
func (g *planLog) all() []plan {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []plan
	for _, name := range g.order {
		all = append(all, *g.byID[name])
	}
	return all
}

// explained runs the service in this process on a database, with every statement
// explained into log, and has f talk to it.
func (r *rig) explained(ctx context.Context, database string, log *planLog, f func(ctx context.Context, t target) error) error {
	cfg, err := pgxpool.ParseConfig(r.database.URL(database))
	if err != nil {
		return fmt.Errorf("read the database's URL: %w", err)
	}
	cfg.MaxConns = servePool
	quiet, err := r.open(ctx, database, 1)
	if err != nil {
		return err
	}
	defer quiet.Close()
	log.attach(cfg)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer pool.Close()
	ln, err := listen(ctx)
	if err != nil {
		return err
	}
	a, err := r.app(ctx, database, pool, ln.Addr())
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- a.Run(ctx, ln) }()
	err = f(ctx, target{
		addr: ln.Addr().String(), token: r.token, peers: r.peers,
		usage: func() (usage, error) { return r.usage(0) }, idle: idle(quiet),
	})
	stop()
	return errors.Join(err, <-served)
}

// longKept is older than anything the benchmark writes: what is pruned is looked for
// and not found.
const longKept = 30 * 24 * time.Hour

// operated does what operators and retention do, with every statement explained
// into log.
func (r *rig) operated(ctx context.Context, database string, log *planLog) error {
	cfg, err := pgxpool.ParseConfig(r.database.URL(database))
	if err != nil {
		return fmt.Errorf("read the database's URL: %w", err)
	}
	log.attach(cfg)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer pool.Close()
	if _, err := delivery.Letters(ctx, pool, delivery.Filter{}, 100); err != nil {
		return err
	}
	if _, err := delivery.Prune(ctx, pool, longKept, longKept); err != nil {
		return err
	}
	_, _, err = mapping.LockOver(ctx, pool, longKept, mapping.Page{}, 100)
	return err
}

func (r *rig) app(ctx context.Context, database string, pool *pgxpool.Pool, addr net.Addr) (*app.App, error) {
	cfg, err := app.Load(ctx, r.environ(addr.String(), database))
	if err != nil {
		return nil, err
	}
	return app.New(cfg, "bench", pool, slog.New(slog.DiscardHandler), addr)
}

// explain looks at the statements of a service with a past and a backlog.
func (c *campaign) explain(ctx context.Context, db *pgxpool.Pool, database string) error {
	c.say("writing %d deliveries that wait", c.scale.pending)
	if err := fillPending(ctx, db, c.scale.pending, c.scale.mostWorkers()); err != nil {
		return err
	}
	err := c.rig.explained(ctx, database, &c.plans, func(ctx context.Context, t target) error {
		for _, kind := range []kind{userStarts, userSays, agentSays, cycle} {
			l := c.group(1)
			l.kind, l.workers, l.last = kind, 8, c.scale.bare
			if kind == userStarts {
				l.last = 0
			}
			if kind == cycle {
				l.first = c.scale.mostConversations()
			}
			if _, err := t.put(ctx, l); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = c.rig.operated(ctx, database, &c.plans)
	}
	if err != nil {
		return fmt.Errorf("explain statements: %w", err)
	}
	c.report.plans = c.plans.all()
	c.say("explained %d statements", len(c.report.plans))
	return nil
}
