package mapping_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/proactive"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	return pgtest.DB(tb, migrations.Schema())
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// sample is a mapping to reserve for a conversation.
func sample(conversation activity.ConversationID) mapping.Mapping {
	return mapping.Mapping{
		Key: mapping.Key{BotAppID: "bot", Conversation: conversation}, Tenant: "tenant", User: "29:user", Hub: "hub",
		Teams: proactive.Target{ServiceURL: "https://teams/", Conversation: activity.Conversation{ID: conversation}},
	}
}

func reserve(tb testing.TB, db mapping.DB, m mapping.Mapping) mapping.Mapping {
	tb.Helper()
	made, fresh, err := mapping.Reserve(tb.Context(), db, m)
	check(tb, err)
	if !fresh {
		tb.Fatalf("conversation %q has an open mapping already", m.Key.Conversation)
	}
	return made
}

// in makes a mapping for a conversation and brings it into a state.
func in(tb testing.TB, db mapping.DB, m mapping.Mapping, state mapping.State) mapping.Mapping {
	tb.Helper()
	ctx := tb.Context()
	m = reserve(tb, db, m)
	if state == mapping.Waiting || state == mapping.Active || state == mapping.Ending {
		check(tb, mapping.Opened(ctx, db, m.ID, livechat.ConversationID(fmt.Sprintf("hub-%d", m.ID)), livechat.QueueState{}))
	}
	switch state {
	case mapping.Active:
		check(tb, mapping.Joined(ctx, db, m.ID))
	case mapping.Ending:
		check(tb, mapping.End(ctx, db, m.ID, mapping.Outcome{By: mapping.ByAgent}))
	case mapping.Closed:
		check(tb, mapping.Close(ctx, db, m.ID, mapping.ByUser))
	case mapping.Failed:
		check(tb, mapping.Fail(ctx, db, m.ID))
	default:
	}
	m, err := mapping.Get(ctx, db, m.ID)
	check(tb, err)
	if m.State != state {
		tb.Fatalf("mapping is %s, want %s", m.State, state)
	}
	return m
}

// TestTransitions is the graph of states: every change from every state, twice.
func TestTransitions(t *testing.T) {
	t.Parallel()
	db := open(t)
	changes := map[string]func(m mapping.Mapping) error{
		"open": func(m mapping.Mapping) error {
			return mapping.Opened(t.Context(), db, m.ID, livechat.ConversationID(fmt.Sprintf("hub-%d", m.ID)), livechat.QueueState{})
		},
		"join":  func(m mapping.Mapping) error { return mapping.Joined(t.Context(), db, m.ID) },
		"leave": func(m mapping.Mapping) error { return mapping.Left(t.Context(), db, m.ID) },
		"fail":  func(m mapping.Mapping) error { return mapping.Fail(t.Context(), db, m.ID) },
		"end": func(m mapping.Mapping) error {
			return mapping.End(t.Context(), db, m.ID, mapping.Outcome{By: mapping.ByIdle})
		},
		"close": func(m mapping.Mapping) error { return mapping.Close(t.Context(), db, m.ID, mapping.ByHost) },
	}
	for from, to := range map[mapping.State]map[string]mapping.State{
		mapping.Opening: {"open": mapping.Waiting, "fail": mapping.Failed, "close": mapping.Closed},
		mapping.Waiting: {"join": mapping.Active, "end": mapping.Ending, "close": mapping.Closed},
		mapping.Active:  {"leave": mapping.Waiting, "end": mapping.Ending, "close": mapping.Closed},
		mapping.Ending:  {"close": mapping.Closed},
		mapping.Closed:  {},
		mapping.Failed:  {},
	} {
		for name, change := range changes {
			t.Run(fmt.Sprintf("%s/%s", from, name), func(t *testing.T) {
				t.Parallel()
				m := in(t, db, sample(activity.ConversationID(t.Name())), from)
				want, allowed := to[name]
				if !allowed {
					want = from
				}
				for range 2 {
					check(t, change(m))
					got, err := mapping.Get(t.Context(), db, m.ID)
					check(t, err)
					if got.State != want {
						t.Fatalf("mapping is %s, want %s", got.State, want)
					}
				}
			})
		}
	}
}

func TestCloseKeepsWhoEnded(t *testing.T) {
	t.Parallel()
	db := open(t)
	m := in(t, db, sample("a"), mapping.Ending)
	check(t, mapping.Close(t.Context(), db, m.ID, mapping.ByHost))
	check(t, mapping.Close(t.Context(), db, m.ID, mapping.ByCap))
	if m, err := mapping.Get(t.Context(), db, m.ID); err != nil || m.ClosedBy != mapping.ByAgent {
		t.Errorf("closed by %q, %v; want agent", m.ClosedBy, err)
	}
}

func TestOpened(t *testing.T) {
	t.Parallel()
	db := open(t)
	m := in(t, db, sample("a"), mapping.Waiting)
	if err := mapping.Opened(t.Context(), db, m.ID, "another", livechat.QueueState{}); !errors.Is(err, mapping.ErrNotFound) {
		t.Errorf("a second hub conversation gave %v, want ErrNotFound", err)
	}
	closed := in(t, db, sample("b"), mapping.Closed)
	check(t, mapping.Opened(t.Context(), db, closed.ID, "late", livechat.QueueState{}))
	got, err := mapping.Get(t.Context(), db, closed.ID)
	check(t, err)
	if got.State != mapping.Closed || got.HubConversation != "late" {
		t.Errorf("opened late: %s with %q, want closed, and the id kept to end it", got.State, got.HubConversation)
	}
	check(t, mapping.Opened(t.Context(), db, in(t, db, sample("c"), mapping.Opening).ID, "mine", livechat.QueueState{}))
	if err := mapping.Opened(t.Context(), db, in(t, db, sample("d"), mapping.Opening).ID, "mine", livechat.QueueState{}); err == nil {
		t.Error("one hub conversation was given to two users")
	}
}

func TestUnknownMapping(t *testing.T) {
	t.Parallel()
	db := open(t)
	if _, err := mapping.Get(t.Context(), db, 4711); !errors.Is(err, mapping.ErrNotFound) {
		t.Errorf("get: %v, want ErrNotFound", err)
	}
	if _, err := mapping.Lock(t.Context(), db, 4711); !errors.Is(err, mapping.ErrNotFound) {
		t.Errorf("lock: %v, want ErrNotFound", err)
	}
}

// TestReserveOnce lets thirty callers reserve one conversation.
func TestReserveOnce(t *testing.T) {
	t.Parallel()
	db := open(t)
	ids, fresh := make([]mapping.ID, 30), make([]bool, 30)
	var g errgroup.Group
	for i := range ids {
		g.Go(func() error {
			return pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
				m, made, err := mapping.Reserve(t.Context(), tx, sample("a"))
				ids[i], fresh[i] = m.ID, made
				return err
			})
		})
	}
	check(t, g.Wait())
	made := 0
	for i, id := range ids {
		if id != ids[0] {
			t.Errorf("callers got mappings %d and %d", ids[0], id)
		}
		if fresh[i] {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d callers made one, want 1", made)
	}
}

// TestSupersede: what is ending is over when the conversation begins anew, and
// nothing else is.
func TestSupersede(t *testing.T) {
	t.Parallel()
	db := open(t)
	ending, other := in(t, db, sample("a"), mapping.Ending), in(t, db, sample("b"), mapping.Ending)
	active := in(t, db, sample("a"), mapping.Active)
	check(t, mapping.Supersede(t.Context(), db, active.Key))
	for id, want := range map[mapping.ID]mapping.State{ending.ID: mapping.Closed, active.ID: mapping.Active, other.ID: mapping.Ending} {
		if m, err := mapping.Get(t.Context(), db, id); err != nil || m.State != want || m.State == mapping.Closed && m.ClosedBy != ending.ClosedBy {
			t.Errorf("mapping %d is %s by %q (%v), want %s", id, m.State, m.ClosedBy, err, want)
		}
	}
}

// TestTake: who takes a conversation sees what was made by who had it.
func TestTake(t *testing.T) {
	t.Parallel()
	db := open(t)
	key := sample("a").Key
	tx, err := db.Begin(t.Context())
	check(t, err)
	made := reserve(t, tx, sample("a"))
	check(t, mapping.Take(t.Context(), tx, key))
	done := make(chan error, 1)
	var found []*mapping.Mapping
	go func() {
		done <- pgx.BeginFunc(t.Context(), db, func(other pgx.Tx) error {
			if err := mapping.Take(t.Context(), other, key); err != nil {
				return err
			}
			var err error
			found, err = mapping.LockAll(t.Context(), other, []mapping.Search{{Key: key}}, mapping.Opening)
			return err
		})
	}()
	waitForLock(t, db)
	check(t, tx.Commit(t.Context()))
	check(t, <-done)
	if found[0] == nil || found[0].ID != made.ID {
		t.Errorf("found %+v, want mapping %d", found[0], made.ID)
	}
}

func TestReserveAgainAfterTheEnd(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, state := range []mapping.State{mapping.Ending, mapping.Closed, mapping.Failed} {
		first := in(t, db, sample(activity.ConversationID(state)), state)
		second := reserve(t, db, sample(activity.ConversationID(state)))
		if second.ID == first.ID || second.OpenKey == first.OpenKey || second.State != mapping.Opening {
			t.Errorf("after %s: %+v", state, second)
		}
	}
}

// TestReserveWaitsForTheOneInTheWay: it may be closed while its lock is waited
// for; then the way is free.
func TestReserveWaitsForTheOneInTheWay(t *testing.T) {
	t.Parallel()
	db := open(t)
	first := in(t, db, sample("a"), mapping.Waiting)
	tx, err := db.Begin(t.Context())
	check(t, err)
	check(t, mapping.Close(t.Context(), tx, first.ID, mapping.ByUser))
	done := make(chan error, 1)
	var second mapping.Mapping
	var made bool
	go func() {
		var err error
		second, made, err = mapping.Reserve(t.Context(), db, sample("a"))
		done <- err
	}()
	waitForLock(t, db)
	check(t, tx.Commit(t.Context()))
	check(t, <-done)
	if !made || second.ID == first.ID {
		t.Errorf("reserved mapping %d, made %t; want a new one", second.ID, made)
	}
}
