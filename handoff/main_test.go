package handoff_test

import (
	"os"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const ttl = 15 * time.Minute

// ada is who the tests' links are made for.
func ada() handoff.Holder {
	return handoff.Holder{
		Tenant: "11111111-1111-1111-1111-111111111111",
		User:   "99999999-0000-4000-8000-0000000000ad",
		Bot:    "bbbbbbbb-0000-4000-8000-000000000002",
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// makeOne makes one handoff for h.
func makeOne(tb testing.TB, db handoff.DB, h handoff.Holder, c handoff.Context) handoff.Token {
	tb.Helper()
	tokens, err := handoff.Make(tb.Context(), db, h, ttl, c)
	check(tb, err)
	return tokens[0]
}
