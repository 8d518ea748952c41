package contoso_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// A board is what supervisors get.
type board struct {
	Seq                      int64
	WaitMinutes, IdleMinutes int
	Figures                  struct {
		Waiting, Active                          int
		WaitingSince                             *time.Time
		MedianWaitSeconds, MedianHandlingSeconds *float64
	}
	Hours []struct {
		At            time.Time
		Opened, Ended int
	}
	Agents []atWork
	Open   []struct{ ID, User, State, Queue, Agent string }
}

type atWork struct {
	Name, State   string
	Open, Accepts int
}

func (h hub) board(tb testing.TB) board {
	tb.Helper()
	var b board
	h.ok(tb, call{method: http.MethodGet, path: "/api/desk/supervisor?zone=" + farFromMidnight()}, &b)
	return b
}

func TestSupervisor_sees_who_waits_and_who_works(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	if got := h.board(t); got.Figures.MedianWaitSeconds != nil || got.Open == nil || got.Agents == nil || len(got.Hours) != 24 {
		t.Errorf("of nothing: %+v", got)
	}
	alex := h.open(t, `{"user":{"name":"Alex"},"queue":"Sales"}`)
	megan := h.open(t, `{"user":{"email":"megan@contoso.example"}}`)
	h.say(t, megan, "hello")
	gone := h.open(t, "")
	h.ok(t, call{path: "/api/chat/end", body: `{"conversationId":"` + gone + `"}`}, nil)
	h.ok(t, call{path: "/api/desk/presence", body: `{"sender":"Bo","away":true,"accepts":4}`}, nil)
	h.ok(t, call{path: "/api/desk/presence", body: `{"sender":"Cy","accepts":2}`}, nil)
	// Cy is given Alex within a second, if the row is there: let nobody take it.
	_, err := db.Exec(t.Context(), `UPDATE contoso.conversation SET started_at = now() - interval '3 minutes', queued_at = now() - interval '2 minutes' WHERE id = $1`, alex)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "Cy to be given Alex", func() bool { return h.standing(t, alex).Agent == "Cy" })
	got := h.board(t)
	if got.Figures.Waiting != 0 || got.Figures.Active != 2 || got.Figures.WaitingSince != nil {
		t.Errorf("figures %+v", got.Figures)
	}
	want := []atWork{{"Ana", "offline", 1, 0}, {"Bo", "away", 0, 4}, {"Cy", "online", 1, 2}}
	if !slices.Equal(got.Agents, want) {
		t.Errorf("agents %+v, want %+v", got.Agents, want)
	}
	if len(got.Open) != 2 || got.Open[0].User != "megan@contoso.example" || got.Open[1].User != "Alex" || got.Open[1].Queue != "Sales" {
		t.Errorf("open %+v", got.Open)
	}
	opened, ended := 0, 0
	for _, hour := range got.Hours {
		opened, ended = opened+hour.Opened, ended+hour.Ended
	}
	if ended != 1 || opened != 3 {
		t.Errorf("the day has %d opened, %d ended", opened, ended)
	}
	h.open(t, `{"user":{"name":"Dora"}}`)
	h.ok(t, call{path: "/api/desk/presence", body: `{"sender":"Cy","away":true}`}, nil)
	h.open(t, `{"user":{"name":"Eve"}}`)
	if got := h.board(t).Figures; got.Waiting < 1 || got.WaitingSince == nil {
		t.Errorf("with users who wait: %+v", got)
	}
}

// The day is that of the reader's clock, and medians are of all that was, not of
// what is left open.
func TestSupervisor_medians_are_of_the_readers_day(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	zone := farFromMidnight()
	_, err := db.Exec(t.Context(), strings.ReplaceAll(`
		INSERT INTO contoso.conversation (id, state, started_at, accepted_at, ended_at, ended_by)
		SELECT 'e' || n, 'ended', at - n * interval '10 seconds', at, at + n * interval '1 minute', 'agent'
		FROM generate_series(1, 5) n, (SELECT date_trunc('day', now(), 'ZONE') AS at) d;
		INSERT INTO contoso.conversation (id, state, started_at, accepted_at, ended_at, ended_by)
		SELECT 'o' || n, 'ended', at - interval '9 hours', at - interval '1 hour', at - interval '1 second', 'agent'
		FROM generate_series(1, 50) n, (SELECT date_trunc('day', now(), 'ZONE') AS at) d`, "ZONE", zone))
	if err != nil {
		t.Fatal(err)
	}
	var got board
	h.ok(t, call{method: "GET", path: "/api/desk/supervisor?zone=" + zone}, &got)
	if f := got.Figures; f.MedianWaitSeconds == nil || *f.MedianWaitSeconds != 30 || *f.MedianHandlingSeconds != 180 {
		t.Errorf("medians are of %+v, want 30 s and 180 s", f)
	}
	if first := got.Hours[0]; first.Ended != 5 || first.Opened != 0 {
		t.Errorf("the first hour is %+v", first)
	}
	if got := h.do(t, call{method: "GET", path: "/api/desk/supervisor?zone=Mars"}); got.status != 400 {
		t.Errorf("a zone that is none: %v", got)
	}
}

func TestSupervisor_wait_ends_with_the_first_agent(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	id := h.open(t, "")
	accepted := func() (at time.Time) {
		if err := db.QueryRow(t.Context(), `SELECT accepted_at FROM contoso.conversation WHERE id = $1`, id).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	deed := func(what, sender string) {
		h.ok(t, call{path: "/api/desk/conversations/" + id + "/" + what, body: `{"sender":"` + sender + `"}`}, nil)
	}
	deed("join", "Ana")
	first := accepted()
	deed("leave", "Ana")
	deed("join", "Bo")
	if got := accepted(); !got.Equal(first) {
		t.Errorf("accepted at %s, want the first time, %s", got, first)
	}
}

func TestSupervisor_ends_several_with_a_reason(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	one, two, over := h.open(t, ""), h.open(t, ""), h.open(t, "")
	h.ok(t, call{path: "/api/chat/end", body: `{"conversationId":"` + over + `"}`}, nil)
	ids := []string{one, two, over, "nobody", one}
	var out struct{ Ended, Passed int }
	h.ok(t, call{path: "/api/desk/supervisor/end", body: jsonOf(t, map[string]any{"ids": ids, "reason": " fire drill ", "sender": "Ana"})}, &out)
	if out.Ended != 2 || out.Passed != 2 {
		t.Errorf("got %+v", out)
	}
	for _, told := range peer.wait(t, 2) {
		if !strings.Contains(told.raw, `"Reason":"fire drill"`) || told.Sender != "Ana" {
			t.Errorf("told %s", told.raw)
		}
	}
	if got := h.standing(t, over); got.EndedBy != "user" {
		t.Errorf("what had ended is %+v", got)
	}
	if got := h.audit(t)[0]; got.Action != "end" || got.Actor != "Ana" || len(strings.Fields(got.Subject)) != 4 {
		t.Errorf("audit has %+v", got)
	}
	for body, want := range map[string]string{
		`{"reason":"x"}`:                         "ids: expected 1 to 500 conversations",
		`{"ids":["a"]}`:                          "reason: expected a reason, which the users are told",
		`{"ids":` + many(501) + `,"reason":"x"}`: "ids: expected 1 to 500 conversations",
	} {
		if got := h.do(t, call{path: "/api/desk/supervisor/end", body: body}); got.status != 400 || !strings.Contains(got.text, want) {
			t.Errorf("%.40s: %v", body, got)
		}
	}
}

func many(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%q", fmt.Sprint(i)))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func TestExport_is_a_table_that_no_spreadsheet_calculates(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	_, err := db.Exec(t.Context(), `
		INSERT INTO contoso.conversation (id, reference, person, queue, agent, state, started_at, accepted_at, ended_at, ended_by)
		VALUES ('b', '=cmd|calc', '{"name":"-1,\"x\" Zoë"}', '@q', '+Ana', 'ended',
		        '2026-03-02T23:30:00+09:00', '2026-03-02T23:31:30+09:00', '2026-03-02T23:35:30+09:00', 'agent'),
		       ('a', 'R-1', '{"email":"a@example.com"}', '', '', 'waiting', '2026-03-02T00:00:00+09:00', NULL, NULL, NULL),
		       ('before', '', '{}', '', '', 'waiting', '2026-03-01T23:59:59+09:00', NULL, NULL, NULL),
		       ('after', '', '{}', '', '', 'waiting', '2026-03-03T00:00:00+09:00', NULL, NULL, NULL);
		INSERT INTO contoso.line (conversation_id, event, author, sender, body, reason)
		VALUES ('b', 'message', 'user', 'Zoë', 'a secret', ''), ('b', 'ended', 'system', 'Ana', 'over', E'\tsolved')`)
	if err != nil {
		t.Fatal(err)
	}
	got := h.do(t, call{method: "GET", path: "/api/desk/supervisor/export?from=2026-03-02&to=2026-03-02&zone=Asia/Tokyo&sender=Ana"})
	text, marked := strings.CutPrefix(got.text, "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !marked || !strings.Contains(text, "\r\n") {
		t.Fatalf("%v, with a mark %t: %q", err, marked, got.text)
	}
	want := [][]string{
		{"id", "reference", "user", "queue", "agent", "state", "opened", "accepted", "ended", "wait_seconds", "handling_seconds", "ended_by", "reason"},
		{"a", "R-1", "a@example.com", "", "", "waiting", "2026-03-02T00:00:00+09:00", "", "", "", "", "", ""},
		{
			"b", "'=cmd|calc", "'-1,\"x\" Zoë", "'@q", "'+Ana", "ended",
			"2026-03-02T23:30:00+09:00", "2026-03-02T23:31:30+09:00", "2026-03-02T23:35:30+09:00", "90", "240", "agent", "'\tsolved",
		},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if got := h.audit(t); len(got) != 1 || got[0] != (trace{Actor: "Ana", Action: "export", Subject: "2026-03-02-2026-03-02"}) {
		t.Errorf("audit is %+v", got)
	}
}

func TestExport_goes_on_over_batches_and_misses_nothing(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	_, err := db.Exec(t.Context(), `
		INSERT INTO contoso.conversation (id, started_at)
		SELECT 'c' || n, timestamptz '2026-03-02T12:00:00Z' + (n / 700) * interval '1 minute'
		FROM generate_series(1, 2500) n`)
	if err != nil {
		t.Fatal(err)
	}
	got := h.do(t, call{method: "GET", path: "/api/desk/supervisor/export?from=2026-03-01&to=2026-03-03"})
	rows, err := csv.NewReader(strings.NewReader(got.text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, row := range rows[1:] {
		ids[row[0]] = true
	}
	if len(rows) != 2501 || len(ids) != 2500 {
		t.Errorf("%d rows of %d conversations", len(rows), len(ids))
	}
}

func TestExport_refuses_days_that_are_none(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	for query, want := range map[string]string{
		"":                                     "from: expected a day, like 2026-11-01",
		"from=2026-02-30&to=2026-03-01":        "from: expected a day, like 2026-11-01",
		"from=2026-03-01":                      "to: expected a day, like 2026-11-30",
		"from=2026-03-02&to=2026-03-01":        "to: is before from",
		"from=2025-03-01&to=2026-03-02":        "to: more than 366 days after from",
		"from=2026-03-01&to=2026-03-02&zone=x": "zone: expected a time zone, like Europe/Berlin",
	} {
		got := h.do(t, call{method: "GET", path: "/api/desk/supervisor/export?" + query})
		if got.status != 400 || got.text != `{"error":"`+want+`"}` {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	if got := h.audit(t); len(got) != 0 {
		t.Errorf("audit has what did not happen: %+v", got)
	}
}
