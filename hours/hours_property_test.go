package hours_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/liaison-skill/liaison/hours"
)

// A week is what a schedule was drawn from, in minutes of each day from Sunday.
type week struct {
	zone   *time.Location
	times  [7][2]int // none if both are 0
	closed map[string]bool
}

func drawWeek(t *rapid.T) (week, hours.Schedule) {
	zone, err := time.LoadLocation(rapid.SampledFrom([]string{
		"UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Kathmandu", "Asia/Beirut", "Africa/Casablanca",
		"Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Asia/Tokyo",
	}).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	w := week{zone: zone, closed: map[string]bool{}}
	var b strings.Builder
	b.WriteString(zone.String())
	for d := range w.times {
		if !rapid.Bool().Draw(t, "open") {
			continue
		}
		from := rapid.IntRange(0, 24*60-1).Draw(t, "from")
		to := rapid.IntRange(1, 24*60).Filter(func(n int) bool { return n != from }).Draw(t, "to")
		fmt.Fprintf(&b, " %s %02d:%02d-%02d:%02d", time.Weekday(d), from/60, from%60, to/60, to%60)
		if to < from {
			to += 24 * 60
		}
		w.times[d] = [2]int{from, to}
	}
	b.WriteString("; closed 07-04")
	w.closed["07-04"] = true
	for range rapid.IntRange(0, 3).Draw(t, "holidays") {
		day := time.Date(2026, 1, rapid.IntRange(1, 365).Draw(t, "day"), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		if !w.closed[day] {
			fmt.Fprintf(&b, ", %s", day)
		}
		w.closed[day] = true
	}
	s, err := hours.Parse(b.String())
	if err != nil {
		t.Fatalf("%s: %v", b.String(), err)
	}
	return w, s
}

// open is the plainest way to say whether clocks that read so find it open.
func (w week) open(clock time.Time) bool {
	minute := clock.Hour()*60 + clock.Minute()
	within := func(day time.Time, minute int) bool {
		times := w.times[day.Weekday()]
		return !w.closed[day.Format(time.DateOnly)] && !w.closed[day.Format("01-02")] && times[0] <= minute && minute < times[1]
	}
	today := time.Date(clock.Year(), clock.Month(), clock.Day(), 12, 0, 0, 0, time.UTC)
	return within(today, minute) || within(today.AddDate(0, 0, -1), minute+24*60)
}

// settled reports whether no clock is changed within a day and a half of t.
func (w week) settled(t time.Time) bool {
	_, a := t.Add(-36 * time.Hour).In(w.zone).Zone()
	_, b := t.Add(36 * time.Hour).In(w.zone).Zone()
	return a == b
}

func drawMoment(t *rapid.T) time.Time {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return start.Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(t, "minute")) * time.Minute)
}

func TestAt_agrees_with_the_clock(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, s := drawWeek(t)
		now := drawMoment(t)
		if w.settled(now) && s.At(now).Open != w.open(now.In(w.zone)) {
			t.Errorf("%s at %s: open is %t", s, now.In(w.zone), s.At(now).Open)
		}
	})
}

// TestAt_changes_when_it_says: until the time it names it stays as it is, and then
// it is otherwise.
func TestAt_changes_when_it_says(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, s := drawWeek(t)
		now := drawMoment(t)
		status := s.At(now)
		change := status.NextOpen
		if status.Open {
			change = status.Closes
		}
		if change.IsZero() {
			return
		}
		if !change.After(now) || s.At(change).Open == status.Open {
			t.Fatalf("%s at %s: %+v, and it does not change then", s, now, status)
		}
		before := rapid.Int64Range(0, int64(change.Sub(now))-1).Draw(t, "before")
		for _, moment := range []time.Time{change.Add(-1), now.Add(time.Duration(before))} {
			if got := s.At(moment); got != status {
				t.Errorf("%s at %s: %+v, but at %s %+v", s, now, status, moment, got)
			}
		}
	})
}
