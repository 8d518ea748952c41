package hours

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A day is one that times can be set for: of the week, of every year, or of one.
type day struct {
	name    string // as it was written
	weekday time.Weekday
	date    date // zero for a day of the week
}

var dateForm = regexp.MustCompile(`^(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})$`)

// days reads a word that names one day or several.
func (p *parser) days(text string) ([]day, error) {
	if text[0] >= '0' && text[0] <= '9' {
		return dates(text)
	}
	if strings.EqualFold(text, "daily") {
		text = "Sun-Sat"
	}
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, ok := weekday(from)
	last, ok2 := weekday(to)
	if !ok || !ok2 {
		return nil, fmt.Errorf("%q: expected days, like Mon, Mon-Fri, daily, 12-26 or 2026-12-24, or closed", text)
	}
	days := []day{{name: from, weekday: first}}
	for d := first; d != last; {
		d = (d + 1) % 7
		days = append(days, day{name: d.String(), weekday: d})
	}
	return days, nil
}

// weekday reads a day's English name, of which three letters do.
func weekday(name string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(name, d.String()) || strings.EqualFold(name, d.String()[:3]) {
			return d, true
		}
	}
	return 0, false
}

func dates(text string) ([]day, error) {
	from, to, isRange := strings.Cut(text, "..")
	first, err := parseDate(from)
	if err != nil || !isRange {
		return []day{{name: text, date: first}}, err
	}
	last, err := parseDate(to)
	if err != nil {
		return nil, err
	}
	if (first.year == 0) != (last.year == 0) {
		return nil, fmt.Errorf("%q: expected a year at both ends or at none", text)
	}
	var days []day
	// A leap year stands for all years.
	yearly := first.year == 0
	if yearly {
		first.year, last.year = 2000, 2000
		switch {
		case !last.before(first):
		case last.month == time.February && last.day == 29:
			first.year--
		default:
			last.year++
		}
	}
	for d := first; !last.before(d); d = d.next() {
		if len(days) == maxRange {
			return nil, fmt.Errorf("%q: longer than a year", text)
		}
		each := d
		if yearly {
			each.year = 0
		}
		days = append(days, day{name: each.String(), date: each})
	}
	if days == nil {
		return nil, fmt.Errorf("%q: ends before it begins", text)
	}
	return days, nil
}

func parseDate(text string) (date, error) {
	match := dateForm.FindStringSubmatch(text)
	if match == nil {
		return date{}, fmt.Errorf("%q: expected a date, like 2026-12-24 or, for every year, 12-24", text)
	}
	year, _ := strconv.Atoi(match[1])
	month, _ := strconv.Atoi(match[2])
	dayOfMonth, _ := strconv.Atoi(match[3])
	d := date{year, time.Month(month), dayOfMonth}
	in := d
	if match[1] == "" {
		in.year = 2000
	}
	if y, m, day := in.midnight().Date(); (date{y, m, day}) != in || in.year == 0 {
		return date{}, fmt.Errorf("%q: the calendar has no such day", text)
	}
	return d, nil
}

func (d date) midnight() time.Time { return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC) }

func (d date) before(other date) bool { return d.midnight().Before(other.midnight()) }

func (d date) next() date {
	y, m, day := d.midnight().AddDate(0, 0, 1).Date()
	return date{y, m, day}
}

// String writes the date as a schedule does.
func (d date) String() string {
	if d.year == 0 {
		return fmt.Sprintf("%02d-%02d", d.month, d.day)
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day)
}

// set gives days their times.
func (p *parser) set(days []day, times []span) error {
	// Not nil: a day that is closed has its times, too.
	times = append([]span{}, times...)
	slices.SortFunc(times, func(a, b span) int { return a.from - b.from })
	for _, d := range days {
		taken := false
		switch {
		case d.date == date{}:
			taken = p.plan.week[d.weekday] != nil
			p.plan.week[d.weekday] = times
		case d.date.year == 0:
			_, taken = p.plan.yearly[d.date]
			p.plan.yearly[d.date] = times
		default:
			_, taken = p.plan.dates[d.date]
			p.plan.dates[d.date] = times
		}
		if taken {
			return fmt.Errorf("%s has its times before this; write them together", d.name)
		}
	}
	return nil
}
