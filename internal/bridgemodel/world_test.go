package bridgemodel

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/texts"
)

// A world is some talks that share two replicas, a database and the peers.
type world struct {
	db       *pgxpool.Pool
	auth     auth.Config
	identity auth.Identity
	texts    *texts.Catalogue
	replicas []*replica
	talks    map[string]*talk
	order    []*talk
	steps    atomic.Int64
	unrest   string // what never came to its end
}

// stage is what worlds have in common.
func stage(tb testing.TB, db *pgxpool.Pool) func() *world {
	tb.Helper()
	c, err := auth.Config{Cloud: "public", TrustedServiceURLs: []string{"https://teams.example/*", "https://host.example/*"}}.Resolve()
	if err != nil {
		tb.Fatal(err)
	}
	catalogue, err := texts.Load("", "")
	if err != nil {
		tb.Fatal(err)
	}
	id := auth.Identity{
		Names: []string{"bot"}, Map: []string{"https://teams.example*=bot", "https://host.example*=bot"},
		Connections: map[string]auth.Connection{"bot": {ClientID: "bot", TenantID: "tenant", ClientSecret: "secret"}},
	}
	return func() *world {
		return &world{db: db, auth: c, identity: id, texts: catalogue, talks: map[string]*talk{}}
	}
}

const emptySQL = `
	TRUNCATE mapping, entry, lane, delivery, accepted, attempt, unheard, pace, tally, audit CASCADE`

// exec changes the database behind everybody's back. What a life does meanwhile, or
// a killed one began last, may lock rows in another order.
func (w *world) exec(tb testing.TB, sql string, args ...any) {
	tb.Helper()
	if err := delivery.Persist(tb.Context(), w.db, func(tx pgx.Tx) error {
		_, err := tx.Exec(tb.Context(), sql, args...)
		return err
	}); err != nil {
		tb.Error(err)
	}
}

// play has every talk go through its script, and the world come to rest.
func (w *world) play(tb testing.TB, scripts []script) {
	tb.Helper()
	w.exec(tb, emptySQL)
	for i, s := range scripts {
		t := &talk{world: w, name: fmt.Sprintf("t%d", i), inline: s.Inline, strict: s.Strict, dead: map[string]bool{}}
		w.talks[t.name], w.order = t, append(w.order, t)
	}
	for _, name := range []string{"one", "two"} {
		r := &replica{world: w, name: name}
		r.begin(tb)
		w.replicas = append(w.replicas, r)
	}
	var all sync.WaitGroup
	for i, t := range w.order {
		all.Go(func() { t.goes(tb, scripts[i].Steps) })
	}
	all.Wait()
	w.heals(tb)
	for _, r := range w.replicas {
		r.now.Load().finish(tb)
	}
}

// goes through steps; one that overlaps runs beside the next.
func (t *talk) goes(tb testing.TB, steps []step) {
	tb.Helper()
	var beside sync.WaitGroup
	for _, s := range steps {
		t.steps.Add(1)
		if s.Overlap {
			beside.Go(func() { t.does(tb, s) })
			continue
		}
		t.does(tb, s)
		beside.Wait()
	}
	beside.Wait()
}

// does one step.
func (t *talk) does(tb testing.TB, s step) {
	tb.Helper()
	switch s.Kind {
	case "start":
		t.escalates(tb, s)
	case "say", "say too early":
		t.speaks(tb, s)
	case "press":
		t.presses(tb, s)
	case "leave":
		t.leaves(tb, s)
	case "agent says":
		t.agent(tb, s, livechat.Inbound{Kind: livechat.KindMessage})
	case "agent joins":
		t.agent(tb, s, livechat.Inbound{Kind: livechat.KindJoined})
	case "agent leaves":
		t.agent(tb, s, livechat.Inbound{Kind: livechat.KindLeft})
	case "agent transfers":
		t.agent(tb, s, livechat.Inbound{Kind: livechat.KindTransferred, To: "others"})
	case "agent ends":
		t.agent(tb, s, livechat.Inbound{Kind: livechat.KindEnded})
	case "again":
		t.again(tb, s)
	case "fault":
		t.suffers(s)
	case "block":
		t.mu.Lock()
		t.blocked = !t.blocked
		t.log("teams: blocked %t", t.blocked)
		t.mu.Unlock()
	case "time":
		span := []time.Duration{waitFor, silence, longest}[s.N%3]
		t.note("time: %s pass", span)
		t.passes(tb, span, t.name)
	case "die":
		t.note("replica %d dies", s.Replica)
		t.replicas[s.Replica].restart(tb, (*life).kill)
	case "deploy":
		t.note("replica %d is replaced", s.Replica)
		t.replicas[s.Replica].restart(tb, (*life).finish)
	}
}

// suffers makes one of the peers misbehave.
func (t *talk) suffers(s step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch s.N % 3 {
	case 0:
		t.hubFaults = append(t.hubFaults, s.Faults...)
	case 1:
		t.teamsFaults = append(t.teamsFaults, s.Faults...)
	case 2:
		for _, f := range s.Faults {
			if f != refuse { // a host that refuses the answers to its own turns has nobody to help it
				t.copilotFaults = append(t.copilotFaults, f)
			}
		}
	}
}

// heals lets everybody be well, looks for differences between the sides, and has
// every user say a last word.
func (w *world) heals(tb testing.TB) {
	tb.Helper()
	for _, t := range w.order {
		t.mu.Lock()
		t.hubFaults, t.teamsFaults, t.copilotFaults, t.blocked = nil, nil, nil, false
		t.mu.Unlock()
	}
	w.rests(tb)
	if w.differ(tb) > 0 {
		w.reconciles(tb)
	}
	var all sync.WaitGroup
	for _, t := range w.order {
		all.Go(func() { t.speaks(tb, step{}) })
	}
	all.Wait()
	w.rests(tb)
}

// reconciles lets enough time pass for differences to count, and for somebody to
// look for them.
func (w *world) reconciles(tb testing.TB) {
	tb.Helper()
	var names []string
	for _, t := range w.order {
		names = append(names, t.name)
	}
	w.passes(tb, 30*time.Second, names...)
	w.exec(tb, "TRUNCATE pace")
	w.replicas[0].restart(tb, (*life).finish)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	// The turn may be that of a life that ends in it: then the next is one of 20 s
	// later.
	for deadline := time.After(time.Minute); w.differ(tb) > 0; {
		select {
		case <-tick.C:
		case <-deadline:
			w.unrest = fmt.Sprintf("R11: %d conversations of hub and mappings still differ", w.differ(tb))
			return
		}
	}
	w.rests(tb)
}

const openSQL = `
	SELECT conversation_id, COALESCE(hub_conversation, '')
	FROM mapping
	WHERE state IN ('opening', 'waiting', 'active')`

// open returns the hub conversations that talks are tied to.
func (w *world) open(ctx context.Context, tb testing.TB) map[string]string {
	tb.Helper()
	rows, _ := w.db.Query(ctx, openSQL)
	open := map[string]string{}
	var talk, id string
	if _, err := pgx.ForEachRow(rows, []any{&talk, &id}, func() error {
		open[talk] = id
		return nil
	}); err != nil {
		tb.Error(err)
	}
	return open
}

// differ counts what one side takes for open and the other does not.
func (w *world) differ(tb testing.TB) (n int) {
	tb.Helper()
	open := w.open(tb.Context(), tb)
	for _, t := range w.order {
		t.mu.Lock()
		for _, c := range t.chats {
			if (c.ended == "") != (open[t.name] == string(c.id)) {
				n++
			}
		}
		t.mu.Unlock()
	}
	return n
}
