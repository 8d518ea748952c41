package contoso_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/contoso"
)

// The copilot has the user for an hour before people do, and for another after.
func TestSupervisor_times_are_without_those_of_the_copilot(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, "{}")
	later := func(by string) {
		_, err := h.db.Exec(t.Context(), `
			UPDATE contoso.conversation
			SET started_at = started_at - $1::interval, people_at = people_at - $1::interval,
			    accepted_at = accepted_at - $1::interval, returned_at = returned_at - $1::interval`, by)
		if err != nil {
			t.Fatal(err)
		}
	}
	later("1 hour")
	want(t, h.bot(t, "pass", v.id, nil), 200, "")
	later("2 minutes")
	want(t, h.deed(t, v.id, "join", `{"sender":"Ana"}`), 204, "")
	later("5 minutes")
	want(t, h.deed(t, v.id, "return", `{"sender":"Ana"}`), 204, "")
	later("1 hour")
	want(t, h.bot(t, "end", v.id, nil), 200, "")
	near := func(seconds, least float64) bool { return seconds >= least && seconds < least+50 }
	var wait, handling float64
	from := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	got := h.do(t, call{method: "GET", path: "/api/desk/supervisor/export?from=" + from + "&to=" + time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)})
	rows, err := csv.NewReader(strings.NewReader(got.text)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v: %v", err, rows)
	}
	if _, err := fmt.Sscan(rows[1][9]+" "+rows[1][10], &wait, &handling); err != nil || !near(wait, 120) || !near(handling, 300) {
		t.Errorf("%v: the table has %q", err, rows[1])
	}
	// Accepted an hour ago, which midnight may part from now.
	var b board
	h.ok(t, call{method: "GET", path: "/api/desk/supervisor?zone=" + farFromMidnight()}, &b)
	if f := b.Figures; f.MedianWaitSeconds == nil || !near(*f.MedianWaitSeconds, 120) || !near(*f.MedianHandlingSeconds, 300) {
		t.Errorf("figures are %+v", f)
	}
}

// farFromMidnight is a zone, other than UTC, where the day is hours old.
func farFromMidnight() string {
	if time.Now().UTC().Hour() < 12 {
		return "Asia/Singapore"
	}
	return "America/Sao_Paulo"
}
