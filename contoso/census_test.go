package contoso_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestCensus_lists_by_state(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	ids := map[string]string{}
	for _, key := range []string{"waiting", "active", "ended"} {
		var out struct{ ConversationID string }
		h.ok(t, call{path: "/api/chat/start", header: header("Idempotency-Key", key)}, &out)
		ids[key] = out.ConversationID
	}
	h.say(t, ids["active"], "hello")
	h.ok(t, call{path: "/api/chat/end", body: `{"key":"ended"}`}, nil)
	keys := func(query string) map[string]bool {
		t.Helper()
		var all []standing
		h.ok(t, call{method: http.MethodGet, path: "/api/chat/conversations" + query}, &all)
		got := map[string]bool{}
		for _, s := range all {
			got[s.Key] = s.ConversationID == ids[s.Key] && s.State == s.Key
		}
		return got
	}
	for query, want := range map[string]map[string]bool{
		"":               {"waiting": true, "active": true, "ended": true},
		"?state=open":    {"waiting": true, "active": true},
		"?state=waiting": {"waiting": true},
		"?state=ended":   {"ended": true},
	} {
		if diff := cmp.Diff(want, keys(query)); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
	if got := h.do(t, call{method: http.MethodGet, path: "/api/chat/conversations?state=odd"}); got.status != http.StatusBadRequest {
		t.Errorf("an odd state: %v", got)
	}
	if got := h.do(t, call{method: http.MethodGet, path: "/api/chat/conversations/nobody"}); got.status != http.StatusNotFound {
		t.Errorf("nobody's: %v", got)
	}
}

func TestCensus_goes_on_behind_the_last_one(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	if _, err := db.Exec(t.Context(), `INSERT INTO contoso.conversation (channel) SELECT 'x' FROM generate_series(1, 1001)`); err != nil {
		t.Fatal(err)
	}
	var first, rest []standing
	h.ok(t, call{method: http.MethodGet, path: "/api/chat/conversations"}, &first)
	h.ok(t, call{method: http.MethodGet, path: "/api/chat/conversations?after=" + first[len(first)-1].ConversationID}, &rest)
	if len(first) != 1000 || len(rest) != 1 {
		t.Errorf("got %d and %d", len(first), len(rest))
	}
}

func TestSince_misses_nothing(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, "")
	for i := range 60 {
		h.hear(t, id, fmt.Sprint(i))
	}
	first := h.messages(t, "?since=0&conversationId="+id)
	rest := h.messages(t, fmt.Sprintf("?since=%d&conversationId=%s", first[len(first)-1].Sequence, id))
	for i, l := range append(first, rest...) {
		if l.Message != fmt.Sprint(i) {
			t.Fatalf("line %d is %q", i, l.Message)
		}
	}
	if len(first)+len(rest) != 60 {
		t.Errorf("got %d and %d lines", len(first), len(rest))
	}
	at := rest[0].Timestamp.Format(time.RFC3339Nano)
	if later := h.messages(t, "?since="+at+"&conversationId="+id); len(later) != len(rest)-1 {
		t.Errorf("after the time of the first: %d lines, want %d", len(later), len(rest)-1)
	}
	for _, query := range []string{"?since=yesterday&conversationId=" + id, "?since=0"} {
		if got := h.do(t, call{method: http.MethodGet, path: "/api/chat/messages" + query}); got.status != http.StatusBadRequest {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestRate_is_kept_also_after_the_end(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, "")
	for body, want := range map[string]int{
		`{"conversationId":"ID","score":0}`: 400, `{"conversationId":"ID","score":6}`: 400, `{"conversationId":"nobody","score":3}`: 404,
		`{"conversationId":"ID","score":2}`: 204,
	} {
		if got := h.do(t, call{path: "/api/chat/rate", body: replaceID(body, id)}); got.status != want {
			t.Errorf("%s: %v, want %d", body, got, want)
		}
	}
	h.ok(t, call{path: "/api/chat/end", body: replaceID(`{"conversationId":"ID"}`, id)}, nil)
	h.ok(t, call{path: "/api/chat/rate", body: replaceID(`{"conversationId":"ID","score":5,"comment":"thanks"}`, id)}, nil)
	var got struct {
		Conversation struct {
			RatingScore   int
			RatingComment string
		}
	}
	h.ok(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + id}, &got)
	if c := got.Conversation; c.RatingScore != 5 || c.RatingComment != "thanks" {
		t.Errorf("got %+v", c)
	}
}
