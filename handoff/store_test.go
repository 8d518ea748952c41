package handoff_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

func TestRedeem_gives_the_context_once(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	want := handoff.Context{
		Problem: "lost\x00 parcel", Summary: "asked twice", Queue: "parcels",
		Variables:  map[string]string{"order": "42"},
		Transcript: []handoff.Line{{User: true, Text: "where is it?", At: time.Unix(0, 0).UTC()}, {Text: "on its way"}},
	}
	token := makeOne(t, db, ada(), want)
	want.Problem = "lost parcel" // what no database can hold is left out
	upper := ada()
	upper.Tenant, upper.User, upper.Bot = strings.ToUpper(upper.Tenant), strings.ToUpper(upper.User), strings.ToUpper(upper.Bot)
	got, err := handoff.Redeem(t.Context(), db, token, upper)
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
	if _, err := handoff.Redeem(t.Context(), db, token, ada()); !errors.Is(err, handoff.ErrUsed) {
		t.Errorf("the second time: %v, want %v", err, handoff.ErrUsed)
	}
	if n := kept(t, db); n != 0 {
		t.Errorf("%d contexts are kept after the redemption", n)
	}
}

func TestRedeem_tells_nobody_else(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	token := makeOne(t, db, ada(), handoff.Context{Summary: "secret"})
	for name, change := range map[string]func(*handoff.Holder, *handoff.Token){
		"another tenant":      func(h *handoff.Holder, _ *handoff.Token) { h.Tenant = "t" },
		"no tenant":           func(h *handoff.Holder, _ *handoff.Token) { h.Tenant = "" },
		"another user":        func(h *handoff.Holder, _ *handoff.Token) { h.User = "u" },
		"no user":             func(h *handoff.Holder, _ *handoff.Token) { h.User = "" },
		"another bot":         func(h *handoff.Holder, _ *handoff.Token) { h.Bot = "b" },
		"no token":            func(_ *handoff.Holder, k *handoff.Token) { *k = "" },
		"an unknown token":    func(_ *handoff.Holder, k *handoff.Token) { *k = handoff.Token(strings.Repeat("A", 43)) },
		"a padded token":      func(_ *handoff.Holder, k *handoff.Token) { *k += "=" },
		"a token and more":    func(_ *handoff.Holder, k *handoff.Token) { *k += "AAAA" },
		"a token's beginning": func(_ *handoff.Holder, k *handoff.Token) { *k = (*k)[:42] },
		"no base64":           func(_ *handoff.Holder, k *handoff.Token) { *k = "test-continuation-token\x00 '" },
	} {
		h, k := ada(), token
		change(&h, &k)
		if c, err := handoff.Redeem(t.Context(), db, k, h); !errors.Is(err, handoff.ErrUnknown) || c.Summary != "" {
			t.Errorf("%s: %v, %v, want %v", name, c, err, handoff.ErrUnknown)
		}
	}
	_, err := handoff.Redeem(t.Context(), db, token, ada())
	check(t, err) // none of that has used it
}

func TestRedeem_of_a_link_for_anybody_of_the_tenant(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	anybody := ada()
	anybody.User = ""
	token := makeOne(t, db, anybody, handoff.Context{})
	_, err := handoff.Redeem(t.Context(), db, token, ada())
	check(t, err)
}

func TestRedeem_in_a_transaction_is_undone_with_it(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	token := makeOne(t, db, ada(), handoff.Context{Summary: "kept"})
	killed := errors.New("killed")
	err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
		if _, err := handoff.Redeem(t.Context(), tx, token, ada()); err != nil {
			return err
		}
		return killed
	})
	if !errors.Is(err, killed) {
		t.Fatal(err)
	}
	c, err := handoff.Redeem(t.Context(), db, token, ada())
	check(t, err)
	if c.Summary != "kept" {
		t.Errorf("the context is %v", c)
	}
}

func TestR20_hundred_parallel_redemptions_are_one(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	token := makeOne(t, db, ada(), handoff.Context{Summary: "once"})
	errs := make([]error, 100)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-start
			_, errs[i] = handoff.Redeem(t.Context(), db, token, ada())
		})
	}
	close(start)
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, handoff.ErrUsed):
			t.Errorf("a loser got %v, want %v", err, handoff.ErrUsed)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d redemptions succeeded, want 1", won, len(errs))
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	late, forgotten := makeOne(t, db, ada(), handoff.Context{Summary: "late"}), makeOne(t, db, ada(), handoff.Context{})
	young := makeOne(t, db, ada(), handoff.Context{Summary: "young"})
	age(t, db, late, time.Hour)
	age(t, db, forgotten, 25*time.Hour)

	if _, err := handoff.Redeem(t.Context(), db, late, ada()); !errors.Is(err, handoff.ErrExpired) {
		t.Errorf("an expired one: %v, want %v", err, handoff.ErrExpired)
	}
	expired, err := handoff.Sweep(t.Context(), db)
	check(t, err)
	if expired != 2 || kept(t, db) != 1 {
		t.Errorf("%d expired and %d contexts are kept, want 2 and 1", expired, kept(t, db))
	}
	if again, err := handoff.Sweep(t.Context(), db); again != 0 || err != nil {
		t.Errorf("the second sweep finds %d, %v", again, err)
	}
	for token, want := range map[handoff.Token]error{late: handoff.ErrExpired, forgotten: handoff.ErrUnknown, young: nil} {
		if _, err := handoff.Redeem(t.Context(), db, token, ada()); !errors.Is(err, want) {
			t.Errorf("after the sweep: %v, want %v", err, want)
		}
	}
}

func TestDeleteOfUser(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	anybody := ada()
	anybody.User = ""
	hers, theirs := makeOne(t, db, ada(), handoff.Context{}), makeOne(t, db, anybody, handoff.Context{})
	for user, want := range map[string]int64{"": 0, ada().User: 1} {
		n, err := handoff.DeleteOfUser(t.Context(), db, user)
		check(t, err)
		if n != want {
			t.Errorf("deleted %d of user %q, want %d", n, user, want)
		}
	}
	for token, want := range map[handoff.Token]error{hers: handoff.ErrUnknown, theirs: nil} {
		if _, err := handoff.Redeem(t.Context(), db, token, ada()); !errors.Is(err, want) {
			t.Errorf("after the deletion: %v, want %v", err, want)
		}
	}
}

func TestMake_refuses_what_is_too_big(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	_, err := handoff.Make(t.Context(), db, ada(), ttl, handoff.Context{Summary: strings.Repeat("x", handoff.MaxContext)})
	if !errors.Is(err, handoff.ErrTooBig) {
		t.Errorf("got %v, want %v", err, handoff.ErrTooBig)
	}
}

func TestToken_is_kept_nowhere(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	token := makeOne(t, db, ada(), handoff.Context{Summary: "x"})
	var rows string
	check(t, db.QueryRow(t.Context(), `SELECT jsonb_agg(to_jsonb(h))::text FROM handoff AS h`).Scan(&rows))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).InfoContext(t.Context(), "made", "token", token)
	for where, text := range map[string]string{"the table": rows, "the log": log.String()} {
		if strings.Contains(text, string(token)) {
			t.Errorf("%s holds the token", where)
		}
	}
}

// age makes a handoff as if it had expired some time ago.
func age(tb testing.TB, db handoff.DB, token handoff.Token, ago time.Duration) {
	tb.Helper()
	_, err := db.Exec(tb.Context(), `UPDATE handoff SET expires_at = now() - $1::interval
		WHERE token_hash = sha256(decode(rpad(translate($2, '-_', '+/'), 44, '='), 'base64'))`, ago, string(token))
	check(tb, err)
}

// kept counts the contexts.
func kept(tb testing.TB, db handoff.DB) (n int) {
	tb.Helper()
	check(tb, db.QueryRow(tb.Context(), `SELECT count(context) FROM handoff`).Scan(&n))
	return n
}
