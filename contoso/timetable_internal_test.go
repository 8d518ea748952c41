package contoso

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func office() *timetable {
	return &timetable{
		Zone: "Europe/Berlin", Week: map[string]string{"Mon": "09:00-12:00, 13:00-17:30", "Tue": "09:00-12:00"},
		Holidays: []holiday{{Date: "12-25"}, {Date: "2026-11-23", Times: "10:00-11:00"}},
	}
}

func TestTimetable_says_when_agents_are_there(t *testing.T) {
	t.Parallel()
	s, err := office().schedule("hours")
	if err != nil {
		t.Fatal(err)
	}
	for at, open := range map[string]bool{
		"2026-11-16T09:00:00+01:00": true, "2026-11-16T12:30:00+01:00": false, "2026-11-16T17:29:00+01:00": true,
		"2026-11-17T13:00:00+01:00": false, "2026-11-18T10:00:00+01:00": false,
		"2026-11-23T09:30:00+01:00": false, "2026-11-23T10:30:00+01:00": true, // a day of its own
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.At(moment); got.Open != open {
			t.Errorf("%s: %+v, want open %t", at, got, open)
		}
	}
	var always *timetable
	if s, err := always.schedule("hours"); err != nil || !s.At(time.Now()).Open {
		t.Errorf("none is %v, %v; want always open", s, err)
	}
}

func TestTimetable_names_the_field_that_is_wrong(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*timetable){
		`h.zone: "Mars/Olympus" is no time zone, like Europe/Berlin`:         func(t *timetable) { t.Zone = "Mars/Olympus" },
		`h.zone: "" is no time zone, like Europe/Berlin`:                     func(t *timetable) { t.Zone = "" },
		`h.zone: "Local" is no time zone, like Europe/Berlin`:                func(t *timetable) { t.Zone = "Local" },
		`h.zone: "UTC Mon 09:00" is no time zone, like Europe/Berlin`:        func(t *timetable) { t.Zone = "UTC Mon 09:00" },
		`h.week: expected times on a day at least`:                           func(t *timetable) { t.Week = map[string]string{"Mon": " "} },
		`h.week: "Noday" is no day; expected Mon to Sun`:                     func(t *timetable) { t.Week["Noday"] = "" },
		`h.week.Mon: "9-5": expected times, like 09:00-17:30`:                func(t *timetable) { t.Week["Mon"] = "9-5" },
		`h.week.Tue: "12-25": expected times, like 09:00-17:30`:              func(t *timetable) { t.Week["Tue"] = "12-25 09:00-10:00" },
		`h.week.Tue: "09:00-10:00;": expected times, like 09:00-17:30`:       func(t *timetable) { t.Week["Tue"] = "09:00-10:00; closed 12-26" },
		`h.week.Mon: "11:00-13:00" overlaps the times before it`:             func(t *timetable) { t.Week["Mon"] = "09:00-12:00 11:00-13:00" },
		`h.week.Mon: "09:00-25:00": expected times from 00:00 to 24:00`:      func(t *timetable) { t.Week["Mon"] = "09:00-25:00" },
		`h.holidays[0].date: "Mon": expected a date, like 2026-12-24`:        func(t *timetable) { t.Holidays[0].Date = "Mon" },
		`h.holidays[1].date: "2026-02-30": the calendar has no such day`:     func(t *timetable) { t.Holidays[1].Date = "2026-02-30" },
		`h.holidays[1].times: "noon": expected times, like 09:00-17:30`:      func(t *timetable) { t.Holidays[1].Times = "noon" },
		`h.holidays[1].date: 12-25 is there twice`:                           func(t *timetable) { t.Holidays[1].Date = "12-25" },
		`h.holidays: more than 200 days`:                                     func(t *timetable) { t.Holidays = make([]holiday, 201) },
		`h.holidays[0].times: "08:00-08:00" has no length; a whole day is 0`: func(t *timetable) { t.Holidays[0].Times = "08:00-08:00" },
	} {
		table := office()
		spoil(table)
		if _, err := table.schedule("h"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Whatever is written, it is a schedule of these days or one of the fields is
// named: nothing in a field reaches beyond it.
func TestTimetable_fields_stay_by_themselves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{"09:00-10:00", "22:00-06:00", ",", " ", ";", "\n", "#", "closed", "Tue", "12-25", "daily", "é", "-", "24:00"})
		text := strings.Join(rapid.SliceOfN(piece, 0, 5).Draw(t, "times"), "")
		table := timetable{Zone: "UTC", Week: map[string]string{"Mon": text, "Wed": "09:00-10:00"}}
		s, err := table.schedule("h")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "h.week.Mon: ") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if at := s.At(time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)); at.Open || at.NextOpen.Weekday() == time.Tuesday {
			t.Fatalf("%q opens a Thursday or a Tuesday: %+v", text, at)
		}
	})
}

func TestHoursOf_a_day_whose_clocks_are_changed(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[time.Time]int{
		time.Date(2026, 3, 29, 12, 0, 0, 0, berlin): 23, time.Date(2026, 10, 25, 12, 0, 0, 0, berlin): 25,
		time.Date(2026, 11, 21, 23, 59, 0, 0, berlin): 24,
	} {
		all := hoursOf(day)
		if len(all) != want+1 || all[0].Hour() != 0 || !all[want].Equal(time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, berlin)) {
			t.Errorf("%s: %d hours, from %s to %s", day, len(all)-1, all[0], all[len(all)-1])
		}
	}
}

func TestInert_is_no_formula(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u200b=1", "\u00a0-1", "\n=1", "＝1", "＋1", "－1", "＠x", "\ufeff=1",
	} {
		if got := inert(cell); got != "'"+cell {
			t.Errorf("%q is %q", cell, got)
		}
	}
	for _, cell := range []string{"", "Alex", "a=1", "'=1", "1-2", "日本", " "} {
		if got := inert(cell); got != cell {
			t.Errorf("%q is %q, want it as it was", cell, got)
		}
	}
}
