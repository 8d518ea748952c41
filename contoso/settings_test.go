package contoso_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// What the settings and the audit hold, as the pages get it.
type (
	setup struct {
		Version                  int64
		ChangedBy                string
		WaitMinutes, IdleMinutes int
		Hours                    json.RawMessage
		Queues                   []struct {
			ID    int64
			Name  string
			Open  int
			Hours json.RawMessage
		}
	}
	trace struct{ Actor, ActorID, Action, Subject string }
)

func (h hub) settings(tb testing.TB) setup {
	tb.Helper()
	var s setup
	h.ok(tb, call{method: http.MethodGet, path: "/api/desk/settings"}, &s)
	return s
}

// set stores settings; %d in the body is the version they are a change of.
func (h hub) set(tb testing.TB, body string) answer {
	tb.Helper()
	return h.do(tb, call{method: http.MethodPut, path: "/api/desk/settings", body: strings.Replace(body, "%d", fmt.Sprint(h.settings(tb).Version), 1)})
}

func (h hub) audit(tb testing.TB) []trace {
	tb.Helper()
	var out struct{ Audit []trace }
	h.ok(tb, call{method: http.MethodGet, path: "/api/desk/supervisor/audit"}, &out)
	return out.Audit
}

func TestSettings_are_stored_with_who_changed_them(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	if got := h.settings(t); got.Version != 1 || got.WaitMinutes != 5 || got.IdleMinutes != 15 || string(got.Hours) != "null" || got.Queues == nil {
		t.Errorf("at first %+v", got)
	}
	const body = `{"version":%d,"sender":"Ana","waitMinutes":7,"idleMinutes":0,"queues":[{"name":" Sales "},{"name":"Billing","hours":
		{"zone":"Asia/Tokyo","week":{"Mon":"09:00-17:00"},"holidays":[{"date":"01-01","times":""}]}}]}`
	if got := h.set(t, body); got.status != 200 {
		t.Fatal(got)
	}
	got := h.settings(t)
	if got.Version != 2 || got.ChangedBy != "Ana" || got.WaitMinutes != 7 || got.IdleMinutes != 0 ||
		len(got.Queues) != 2 || got.Queues[0].Name != "Billing" || got.Queues[1].Name != "Sales" || !strings.Contains(string(got.Queues[0].Hours), "Asia/Tokyo") {
		t.Errorf("stored %+v", got)
	}
	if got := h.do(t, call{method: "PUT", path: "/api/desk/settings", body: jsonOf(t, got)}); got.status != 200 || h.settings(t).Version != 2 {
		t.Errorf("no change is one: %v", got)
	}
	want := []trace{{Actor: "Ana", Action: "settings", Subject: `waiting time, idle time, queue "Sales" added, queue "Billing" added`}}
	if got := h.audit(t); !slices.Equal(got, want) {
		t.Errorf("audit is %+v", got)
	}
}

func TestSettings_name_the_field_that_is_wrong(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	for body, want := range map[string]string{
		`"waitMinutes":-1`:   "waitMinutes: expected 0 to 1440",
		`"idleMinutes":1441`: "idleMinutes: expected 0 to 1440",
		`"hours":{"zone":"x","week":{"Mon":"09:00-10:00"}}`:                 `hours.zone: "x" is no time zone, like Europe/Berlin`,
		`"queues":[{"name":" "}]`:                                           "queues[0].name: expected a name",
		`"queues":[{"name":"a"},{"name":"A"}]`:                              `queues[1].name: "A" is there twice`,
		`"queues":[{"name":"a\u0007"}]`:                                     `queues[0].name: "a\a" has characters that cannot be seen`,
		`"queues":[{"name":"` + strings.Repeat("é", 101) + `"}]`:            "queues[0].name: longer than 100 characters",
		`"queues":[{"id":9,"name":"a"}]`:                                    "queues[0].id: 9 is no queue",
		`"queues":[{"id":9,"name":"a"},{"id":9,"name":"b"}]`:                "queues[1].id: 9 is there twice",
		`"queues":[{"name":"a","hours":{"zone":"UTC","week":{"Sun":"x"}}}]`: `queues[0].hours.week.Sun: "x": expected times, like 09:00-17:30`,
	} {
		got := h.set(t, `{"version":%d,`+body+`}`)
		var refusal struct{ Error string }
		if err := decode(got, &refusal); err != nil || got.status != http.StatusBadRequest || refusal.Error != want {
			t.Errorf("%.80s: %v, want %s", body, got, want)
		}
	}
	if got := h.settings(t); got.Version != 1 {
		t.Errorf("what is refused is stored: %+v", got)
	}
}

func TestSettings_of_two_who_change_them_one_is_told_who_was_faster(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	answers := make([]answer, 8)
	var g errgroup.Group
	for i := range answers {
		g.Go(func() error {
			answers[i] = h.do(t, call{method: "PUT", path: "/api/desk/settings", body: fmt.Sprintf(`{"version":1,"sender":"Ana %d","waitMinutes":%d}`, i, 20+i)})
			return nil
		})
	}
	_ = g.Wait()
	stored := h.settings(t)
	won := 0
	for _, got := range answers {
		if got.status == http.StatusOK {
			won++
		} else if want := "version: " + stored.ChangedBy + " changed the settings at "; got.status != http.StatusConflict || !strings.Contains(got.text, want) {
			t.Errorf("%v, want 409 and %q", got, want)
		}
	}
	if won != 1 || stored.Version != 2 || len(h.audit(t)) != 1 {
		t.Errorf("%d won, stored %+v, audit %v", won, stored, h.audit(t))
	}
}

func TestSettings_queues_are_renamed_with_their_users_and_removed_when_empty(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	h.set(t, `{"version":%d,"queues":[{"name":"A"},{"name":"B"},{"name":"C"}]}`)
	inA, inB := h.open(t, `{"queue":"A"}`), h.open(t, `{"queue":"B"}`)
	ended := h.open(t, `{"queue":"A"}`)
	h.ok(t, call{path: "/api/chat/end", body: `{"conversationId":"` + ended + `"}`}, nil)
	q := h.settings(t).Queues
	got := h.set(t, fmt.Sprintf(`{"version":%%d,"queues":[{"id":%d,"name":"B"},{"id":%d,"name":"A"}]}`, q[0].ID, q[1].ID))
	if got.status != 200 {
		t.Fatal(got)
	}
	if a, b, e := h.standing(t, inA).Queue, h.standing(t, inB).Queue, h.standing(t, ended).Queue; a != "B" || b != "A" || e != "A" {
		t.Errorf("the users are in %s and %s, the ended in %s", a, b, e)
	}
	got = h.set(t, fmt.Sprintf(`{"version":%%d,"queues":[{"id":%d,"name":"B"}]}`, q[0].ID))
	if want := `{"error":"queues: \"A\" has 1 open conversations and cannot be removed"}`; got.status != 400 || got.text != want {
		t.Errorf("removing a queue with a user: %v", got)
	}
	if names := h.settings(t).Queues; len(names) != 2 {
		t.Errorf("queues are %+v", names)
	}
}

// A renaming is numbered like every change, so that desks follow it.
func TestSettings_desks_hear_of_a_renamed_queue(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	h.set(t, `{"version":%d,"queues":[{"name":"A"}]}`)
	for range 3 {
		h.open(t, `{"queue":"A"}`)
	}
	before := h.board(t).Seq
	h.set(t, fmt.Sprintf(`{"version":%%d,"queues":[{"id":%d,"name":"B"}]}`, h.settings(t).Queues[0].ID))
	var heard []int64
	h.follow(t, strconv.FormatInt(before, 10), func(e change) bool {
		heard = append(heard, e.Seq)
		return h.standing(t, e.Conversation.ID).Queue == "B" && len(heard) < 3
	})
	if want := []int64{before + 1, before + 2, before + 3}; !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
}

func TestAvailability_follows_the_business_hours(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	now := time.Now().UTC()
	later := now.AddDate(0, 0, 2)
	table := fmt.Sprintf(`{"zone":"UTC","week":{%q:"09:00-10:00"}}`, later.Format("Mon"))
	const daily = `{"zone":"UTC","week":{"Mon":"00:00-24:00","Tue":"00:00-24:00","Wed":"00:00-24:00","Thu":"00:00-24:00","Fri":"00:00-24:00","Sat":"00:00-24:00","Sun":"00:00-24:00"}}`
	if got := h.set(t, `{"version":%d,"hours":`+table+`,"queues":[{"name":"Always","hours":`+daily+`},{"name":"As the hub"}]}`); got.status != 200 {
		t.Fatal(got)
	}
	next := time.Date(later.Year(), later.Month(), later.Day(), 9, 0, 0, 0, time.UTC)
	for queue, open := range map[string]bool{"": false, "As+the+hub": false, "Always": true, "Unknown": false} {
		var got struct {
			Open     bool
			Reason   string
			NextOpen time.Time
		}
		h.ok(t, call{method: "GET", path: "/api/chat/availability?queue=" + queue}, &got)
		if got.Open != open || !open && (got.Reason != "outside of the business hours" || !got.NextOpen.Equal(next)) {
			t.Errorf("queue %q: %+v, want open %t, else next %s", queue, got, open, next)
		}
	}
}

// While the operator has closed the desk, it opens with the first hours after that.
func TestAvailability_closed_by_the_operator_opens_in_business_hours(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	until := now.Add(time.Hour).Truncate(time.Second)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{ClosedUntil: until})
	var got struct {
		Open     bool
		Reason   string
		NextOpen time.Time
	}
	ask := call{method: "GET", path: "/api/chat/availability"}
	h.ok(t, ask, &got)
	if got.Open || got.Reason != "the desk is closed" || !got.NextOpen.Equal(until) {
		t.Errorf("at any time: %+v", got)
	}
	later := now.AddDate(0, 0, 3)
	h.set(t, fmt.Sprintf(`{"version":%%d,"hours":{"zone":"UTC","week":{%q:"07:00-08:00"}}}`, later.Format("Mon")))
	h.ok(t, ask, &got)
	if want := time.Date(later.Year(), later.Month(), later.Day(), 7, 0, 0, 0, time.UTC); got.Open || !got.NextOpen.Equal(want) {
		t.Errorf("in business hours: %+v, want %s", got, want)
	}
}

func TestSettings_are_changed_by_supervisors_alone(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{}, "CONTOSO_OIDC_SUPERVISORS", "adelev@contoso.com")
	boss, agent := sandboxtest.SignIn(t, o.url, adele), sandboxtest.SignIn(t, o.url, "Diego Siciliani")
	if got := o.me(t, boss); got.text != `{"name":"Adele Vance","signedIn":true,"supervisor":true}` {
		t.Errorf("me is %v", got)
	}
	if got := o.as(t, agent, call{method: "GET", path: "/api/desk/settings"}); got.status != 200 {
		t.Errorf("an agent reads the settings: %v", got)
	}
	for _, c := range []call{
		{method: "PUT", path: "/api/desk/settings", body: `{"version":1,"sender":"The Boss","waitMinutes":3}`},
		{method: "GET", path: "/api/desk/supervisor"},
		{method: "GET", path: "/api/desk/supervisor/audit"},
		{method: "GET", path: "/api/desk/supervisor/export?from=2026-11-01&to=2026-11-02"},
		{path: "/api/desk/supervisor/end", body: `{"ids":["x"],"reason":"y"}`},
	} {
		if got := o.do(t, c); got.status != http.StatusUnauthorized {
			t.Errorf("%s by nobody: %v", c.path, got)
		}
		if got := o.as(t, agent, c); got.status != http.StatusForbidden || !strings.Contains(got.text, "supervisors only") {
			t.Errorf("%s by an agent: %v", c.path, got)
		}
		if got := o.as(t, boss, c); got.status != 200 {
			t.Errorf("%s by a supervisor: %v", c.path, got)
		}
	}
	var out struct{ Audit []trace }
	if err := decode(o.as(t, boss, call{method: "GET", path: "/api/desk/supervisor/audit"}), &out); err != nil {
		t.Fatal(err)
	}
	for i, action := range []string{"end", "export", "settings"} {
		if got := out.Audit[i]; got.Actor != adele || got.ActorID == "" || got.Action != action {
			t.Errorf("audit has %+v, want %s by the token's name", got, action)
		}
	}
}
