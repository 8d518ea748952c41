package contoso_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// A found is what a search returns.
type found struct {
	Conversations []struct{ ID, State string }
	More          bool
}

func (f found) ids() []string {
	var ids []string
	for _, c := range f.Conversations {
		ids = append(ids, c.ID)
	}
	return ids
}

func (h hub) search(tb testing.TB, query string) (f found) {
	tb.Helper()
	h.ok(tb, call{method: http.MethodGet, path: "/api/desk/search?" + query}, &f)
	return f
}

func TestSearch_finds_names_words_and_ids(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	alex := h.open(t, `{"user":{"name":"Alex Wilber","email":"alexw@contoso.example"},"problem":"printer","reference":"R-7"}`)
	megan := h.open(t, `{"user":{"name":"Megan Bowen"}}`)
	h.hear(t, megan, "It is 100% BROKEN_")
	for words, want := range map[string]string{
		"wilber": alex, "ALEXW@": alex, "print": alex, "r-7": alex, alex[:13]: alex, "broken_": megan, "100%": megan,
	} {
		if got := h.search(t, "q="+url.QueryEscape(words)).ids(); !slices.Equal(got, []string{want}) {
			t.Errorf("%q finds %v, want %s", words, got, want)
		}
	}
	for _, words := range []string{"nobody", "1%0", "%", "alex%"} {
		if got := h.search(t, "q="+url.QueryEscape(words)).ids(); words != "%" && len(got) > 0 {
			t.Errorf("%q finds %v", words, got)
		}
	}
	if got := h.do(t, call{method: http.MethodGet, path: "/api/desk/search?q=" + strings.Repeat("x", 201)}); got.status != http.StatusBadRequest {
		t.Errorf("a long search: %v", got)
	}
}

func TestSearch_pages_through_all_that_has_ended(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	const ended = 120
	_, err := db.Exec(t.Context(), `
		INSERT INTO contoso.conversation (id, state, started_at, ended_at, ended_by)
		SELECT 'c' || n, 'ended', now() - interval '1 day', now() - (n / 2) * interval '1 second', 'user' -- two at a time
		FROM generate_series(1, 120) n`)
	if err != nil {
		t.Fatal(err)
	}
	h.open(t, "")
	seen := map[string]bool{}
	query := "state=ended"
	for range 4 {
		page := h.search(t, query)
		for _, c := range page.Conversations {
			if seen[c.ID] || c.State != "ended" {
				t.Fatalf("%s is seen twice or has not ended", c.ID)
			}
			seen[c.ID] = true
		}
		if !page.More {
			break
		}
		query = fmt.Sprintf("state=ended&before=%s", page.ids()[len(page.Conversations)-1])
	}
	if len(seen) != ended {
		t.Errorf("saw %d, want %d", len(seen), ended)
	}
}
