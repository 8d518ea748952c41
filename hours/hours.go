package hours

import "time"

// horizon bounds how far ahead is looked, in days.
const horizon = 400

// A Schedule is when somebody is there. It does not change. The zero Schedule is
// always open.
type Schedule struct{ plan *plan }

// A plan is a schedule that was read.
type plan struct {
	text   string
	zone   *time.Location
	week   [7][]span // by time.Weekday
	yearly map[date][]span
	dates  map[date][]span
}

// A date is a day of the calendar; without a year, that day of every year.
type date struct {
	year  int
	month time.Month
	day   int
}

// A span is a part of a day, in minutes from its midnight. It may end on the next
// day.
type span struct{ from, to int }

const minutesADay = 24 * 60

// A Status is what a schedule says about a moment.
type Status struct {
	Open     bool
	NextOpen time.Time // when closed; zero if it is not within 400 days
	Closes   time.Time // when open; zero if it is not within 400 days
}

// String returns the schedule as it was written.
func (s Schedule) String() string {
	if s.IsZero() {
		return always
	}
	return s.plan.text
}

// IsZero reports whether nothing was written at all.
func (s Schedule) IsZero() bool { return s.plan == nil }

// At says whether the schedule is open at t, and until when it is so. It is open
// at the moment it opens, and closed at the moment it closes.
func (s Schedule) At(t time.Time) Status {
	if s.String() == always {
		return Status{Open: true}
	}
	t = t.In(s.plan.zone)
	var closes time.Time // once t is found to be within a span
	// From yesterday, whose times may reach into today.
	for ahead := -1; ahead <= horizon; ahead++ {
		day := time.Date(t.Year(), t.Month(), t.Day()+ahead, 0, 0, 0, 0, time.UTC)
		for _, each := range s.plan.spans(day) {
			from, to := s.plan.instants(day, each)
			switch {
			case !to.After(from): // left out with an hour that was
			case closes.IsZero() && from.After(t):
				return Status{NextOpen: from}
			case closes.IsZero() && to.After(t):
				closes = to
			case !closes.IsZero() && from.After(closes):
				return Status{Open: true, Closes: closes}
			case !closes.IsZero() && to.After(closes):
				closes = to
			}
		}
	}
	if closes.IsZero() || closes.Sub(t) > (horizon-1)*24*time.Hour {
		return Status{Open: !closes.IsZero()}
	}
	return Status{Open: true, Closes: closes}
}

// spans returns the times of a day, which is a midnight in UTC.
func (p *plan) spans(day time.Time) []span {
	if special, ok := p.dates[date{day.Year(), day.Month(), day.Day()}]; ok {
		return special
	}
	if special, ok := p.yearly[date{0, day.Month(), day.Day()}]; ok {
		return special
	}
	return p.week[day.Weekday()]
}

func (p *plan) instants(day time.Time, s span) (from, to time.Time) {
	from, _ = p.reading(day.Add(time.Duration(s.from) * time.Minute))
	_, to = p.reading(day.Add(time.Duration(s.to) * time.Minute))
	return from, to
}

// reading returns the first and the last moment at which the zone's clocks read
// as wall does in UTC. Where they never do, that is when they are put forward.
func (p *plan) reading(wall time.Time) (first, last time.Time) {
	near := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, p.zone)
	begins, ends := near.ZoneBounds() // the only changes there could be nearby
	around := []time.Time{near}
	if !begins.IsZero() {
		around = append(around, begins.Add(-1))
	}
	if !ends.IsZero() {
		around = append(around, ends)
	}
	var low time.Time // the earliest guess, by the offset furthest ahead
	for _, a := range around {
		_, offset := a.Zone()
		guess := wall.Add(-time.Duration(offset) * time.Second).In(p.zone)
		if low.IsZero() || guess.Before(low) {
			low = guess
		}
		if _, now := guess.Zone(); now != offset {
			continue
		}
		if first.IsZero() || guess.Before(first) {
			first = guess
		}
		if guess.After(last) {
			last = guess
		}
	}
	if !first.IsZero() {
		return first, last
	}
	if begins.Before(low) {
		return ends, ends
	}
	return begins, begins
}
