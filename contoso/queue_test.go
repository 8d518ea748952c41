package contoso_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestQueue_places_go_by_priority_then_time(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	first := h.open(t, `{"queue":"q"}`)
	second := h.open(t, `{"queue":"q"}`)
	urgent := h.open(t, `{"queue":"q","priority":1}`)
	elsewhere := h.open(t, "")
	places := func() map[string]int {
		got := map[string]int{}
		for _, id := range []string{first, second, urgent, elsewhere} {
			got[id] = h.standing(t, id).Position
		}
		return got
	}
	if diff := cmp.Diff(map[string]int{urgent: 1, first: 2, second: 3, elsewhere: 1}, places()); diff != "" {
		t.Error(diff)
	}
	if _, err := db.Exec(t.Context(), `UPDATE contoso.conversation SET queued_at = queued_at - interval '90 seconds' WHERE id = $1`, first); err != nil {
		t.Fatal(err)
	}
	h.say(t, first, "hello")
	if diff := cmp.Diff(map[string]int{urgent: 1, first: 0, second: 2, elsewhere: 1}, places()); diff != "" {
		t.Error(diff)
	}
	if got := h.standing(t, second).WaitSeconds; got < 89 || got > 120 {
		t.Errorf("the estimate is %d s, want what the last one waited", got)
	}
	h.ok(t, deed(first, "leave", `{"sender":"Ana"}`), nil)
	if got := h.standing(t, first).Position; got != 3 {
		t.Errorf("who is left waits at %d, want the end", got)
	}
}

// Two processes look for who has moved; each move is told once.
func TestQueue_a_new_place_is_told_once(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	db := pgtest.DB(t, contoso.Schema())
	config := contoso.Config{WebhookURL: peer.url, QueueNews: 50 * time.Millisecond}
	h := run(t, db, config)
	run(t, db, config)
	first, second := h.open(t, ""), h.open(t, "")
	peer.wait(t, 2)
	h.say(t, first, "hello") // told, joined and said
	peer.wait(t, 5)
	h.say(t, second, "hello")
	var places []int
	for _, p := range peer.wait(t, 7) {
		if p.ConversationID == second && p.Event == "queued" {
			places = append(places, p.Position)
		}
	}
	if diff := cmp.Diff([]int{2, 1}, places); diff != "" {
		t.Error(diff)
	}
	if got := len(peer.all()); got != 7 {
		t.Errorf("%d webhooks, want 7: %v", got, peer.texts())
	}
}

func TestAvailability(t *testing.T) {
	t.Parallel()
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	here, away := `{"sender":"Ana"}`, `{"sender":"Ana","away":true}`
	rows := map[string]struct {
		config   contoso.Config
		presence []string
		open     bool
	}{
		"auto, nobody known":          {contoso.Config{}, nil, true},
		"auto, one here":              {contoso.Config{}, []string{here}, true},
		"auto, gone away":             {contoso.Config{}, []string{here, away}, false},
		"auto, one away and one here": {contoso.Config{}, []string{away, `{"sender":"Bo"}`}, true},
		"agents, nobody known":        {contoso.Config{Open: "agents"}, nil, false},
		"agents, one here":            {contoso.Config{Open: "agents"}, []string{here}, true},
		"always, gone away":           {contoso.Config{Open: "always"}, []string{away}, true},
		"closed":                      {contoso.Config{Open: "always", ClosedUntil: until}, []string{here}, false},
		"closed no more":              {contoso.Config{ClosedUntil: time.Now().Add(-time.Hour)}, nil, true},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := run(t, pgtest.DB(t, contoso.Schema()), row.config)
			for _, body := range row.presence {
				h.ok(t, call{path: "/api/desk/presence", body: body}, nil)
			}
			h.open(t, `{"queue":"q"}`)
			var got struct {
				Open     bool
				Reason   string
				Position int
				NextOpen time.Time
			}
			h.ok(t, call{method: http.MethodGet, path: "/api/chat/availability?queue=q"}, &got)
			if got.Open != row.open || got.Open != (got.Reason == "") || got.Open != (got.Position == 2) {
				t.Errorf("got %+v, want open %v", got, row.open)
			}
			if want := row.config.ClosedUntil; time.Now().Before(want) && !got.NextOpen.Equal(want) {
				t.Errorf("opens again at %v, want %v", got.NextOpen, want)
			}
		})
	}
}

func TestPresence_who_is_not_heard_of_has_gone(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{Open: "agents"})
	names := func(body string) (all []string) {
		t.Helper()
		var out struct{ Agents []struct{ Name string } }
		h.ok(t, call{path: "/api/desk/presence", body: body}, &out)
		for _, a := range out.Agents {
			all = append(all, a.Name)
		}
		return all
	}
	names(`{"sender":"Bo"}`)
	if diff := cmp.Diff([]string{"Ana", "Bo"}, names(`{"sender":"Ana"}`)); diff != "" {
		t.Error(diff)
	}
	if _, err := db.Exec(t.Context(), `UPDATE contoso.presence SET seen_at = now() - interval '61 seconds' WHERE name = 'Bo'`); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Ana"}, names(`{"sender":"Ana"}`)); diff != "" {
		t.Error(diff)
	}
}
