package handoff_test

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

var linkForm = regexp.MustCompile(
	`^https://teams\.microsoft\.com/l/chat/0/0\?users=28:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}&continuation=[A-Za-z0-9_-]{43}$`)

func TestR20_78_link_has_its_form_and_length_whatever_the_context(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	seen := map[handoff.Token]bool{}
	rapid.Check(t, func(r *rapid.T) {
		c := handoff.Context{
			Problem:   rapid.String().Draw(r, "problem"),
			Summary:   strings.Repeat(rapid.String().Draw(r, "summary"), rapid.IntRange(0, 200).Draw(r, "times")),
			Queue:     rapid.String().Draw(r, "queue"),
			Variables: rapid.MapOfN(rapid.String(), rapid.String(), 0, 20).Draw(r, "variables"),
		}
		token := makeOne(t, db, ada(), c)
		link := handoff.DeepLink(ada().Bot, token)
		if len(link) > 2048 || !linkForm.MatchString(link) {
			r.Fatalf("the link is %d characters long: %s", len(link), link)
		}
		u, err := url.Parse(link)
		check(t, err)
		if got := u.Query().Get("continuation"); got != string(token) {
			r.Fatalf("the link brings back %q, not %q", got, token)
		}
		secret, err := base64.RawURLEncoding.DecodeString(string(token))
		if err != nil || len(secret)*8 < 128 || seen[token] {
			r.Fatalf("the token has %d bytes (%v), or is not new", len(secret), err)
		}
		seen[token] = true
		got, err := handoff.Redeem(t.Context(), db, token, ada())
		check(t, err)
		if want := strings.ReplaceAll(c.Problem, "\x00", ""); got.Problem != want {
			r.Fatalf("the context's problem is %q, want %q", got.Problem, want)
		}
	})
}
