package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestR20_other_agents_get_a_link for the conversations of their own cards.
func TestR20_other_agents_get_a_link(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot), "Megan")
	caller := sandboxtest.Mint(t, o.sandbox, sandbox.Token{})
	status, answer := o.post(t, "/api/handoffs", caller, map[string]any{
		"locale": "de", "problem": "the invoice is wrong", "summary": "billed twice", "variables": map[string]string{"invoice": "77"},
		"transcript": []any{map[string]any{"role": "user", "text": "why twice?"}, map[string]any{"role": "copilot", "text": "I do not know"}},
	})
	var made struct {
		URL              string
		ExpiresInSeconds int
		Action           map[string]string
	}
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusCreated {
		t.Fatalf("status %d %s, %v; want 201", status, answer, err)
	}
	if made.ExpiresInSeconds != 900 || !strings.HasPrefix(made.URL, "https://teams.microsoft.com/l/chat/0/0?users=28:"+copilotID+"&continuation=") {
		t.Errorf("answered %s", answer)
	}
	want := map[string]string{"type": "Action.OpenUrl", "title": "Mit einem Menschen sprechen", "url": made.URL}
	if diff := cmp.Diff(want, made.Action); diff != "" {
		t.Errorf("action (-want +got):\n%s", diff)
	}
	u, err := url.Parse(made.URL)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := o.follow(t, "f:1", u.Query().Get("continuation")); status != http.StatusOK {
		t.Fatalf("status %d %s, want 200", status, answer)
	}
	o.told(t, continuing)
	c := o.chat(t)
	var shown json.RawMessage
	o.desk(t, http.MethodGet, "/api/desk/conversations/"+url.PathEscape(c.ID), nil, &shown)
	for _, carried := range []string{"the invoice is wrong", "billed twice", `"invoice":"77"`, "why twice?", "I do not know"} {
		if !strings.Contains(string(shown), carried) {
			t.Errorf("the desk does not show %q: %s", carried, shown)
		}
	}
}

// TestR20_links_are_for_callers_of_the_skill, and for contexts of some size.
func TestR20_links_are_for_callers_of_the_skill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{}, ownBot)
	mint := func(token sandbox.Token) string { return sandboxtest.Mint(t, w.sandbox, token) }
	many := map[string]string{}
	for i := range 51 {
		many[strings.Repeat("x", i+1)] = "y"
	}
	huge := slices.Repeat([]any{map[string]any{"role": "user", "text": strings.Repeat("日", 2000)}}, 100)
	good := mint(sandbox.Token{})
	for name, row := range map[string]struct {
		token string
		body  any
		want  int
	}{
		"nobody":           {"", map[string]any{}, http.StatusUnauthorized},
		"a stranger's app": {mint(sandbox.Token{Claims: claims("azp", strangerID)}), map[string]any{}, http.StatusForbidden},
		"Teams":            {mint(sandbox.Token{Kind: sandbox.ChannelCall}), map[string]any{}, http.StatusUnauthorized},
		"not JSON":         {good, []byte("x"), http.StatusBadRequest},
		"no object id":     {good, map[string]any{"user": "megan@example.com"}, http.StatusBadRequest},
		"many variables":   {good, map[string]any{"variables": many}, http.StatusBadRequest},
		"a long variable":  {good, map[string]any{"variables": map[string]string{"x": strings.Repeat("y", 5000)}}, http.StatusBadRequest},
		"another role":     {good, map[string]any{"transcript": []any{map[string]any{"role": "agent", "text": "x"}}}, http.StatusBadRequest},
		"a huge context":   {good, map[string]any{"transcript": huge}, http.StatusRequestEntityTooLarge},
		"a huge body":      {good, map[string]any{"summary": strings.Repeat("y", 2<<20)}, http.StatusRequestEntityTooLarge},
		"an empty context": {good, map[string]any{}, http.StatusCreated},
	} {
		if status, answer := w.post(t, "/api/handoffs", row.token, row.body); status != row.want {
			t.Errorf("%s: status %d %.200s, want %d", name, status, answer, row.want)
		}
	}
}
