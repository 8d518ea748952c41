package contoso

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/hours"
	"github.com/liaison-skill/liaison/internal/web"
)

// A timetable is when agents are there, as the settings' page shows it. Times are
// written as in package hours, "09:00-12:00, 13:00-17:30"; none is closed.
type timetable struct {
	Zone     string            `json:"zone"` // IANA name
	Week     map[string]string `json:"week"` // by Mon to Sun
	Holidays []holiday         `json:"holidays"`
}

// A holiday is a day with times of its own, or closed.
type holiday struct {
	Date  string `json:"date"` // 2026-12-24 or, for every year, 12-24
	Times string `json:"times"`
}

// maxHolidays bounds a timetable.
const maxHolidays = 200

func weekdays() []string { return []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"} }

var (
	timesOf = regexp.MustCompile(`^[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}$`)
	dateOf  = regexp.MustCompile(`^(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2}$`)
)

// invalid is a 400 that names the field.
func invalid(field, format string, args ...any) error {
	return web.BadRequest(field + ": " + fmt.Sprintf(format, args...))
}

// schedule reads the timetable; nil is always open. An error names the field,
// below the one that the timetable is.
func (t *timetable) schedule(field string) (hours.Schedule, error) {
	if t == nil {
		return hours.Schedule{}, nil
	}
	if _, err := time.LoadLocation(t.Zone); err != nil || t.Zone == "" || t.Zone == "Local" {
		return hours.Schedule{}, invalid(field+".zone", "%q is no time zone, like Europe/Berlin", t.Zone)
	}
	week, err := t.week(field + ".week")
	if err != nil {
		return hours.Schedule{}, err
	}
	special, err := t.special(field + ".holidays")
	if err != nil {
		return hours.Schedule{}, err
	}
	s, err := hours.Parse(t.Zone + strings.Join(slices.Concat(week, special), ";"))
	if err != nil { // what each field was checked for leaves nothing
		return hours.Schedule{}, invalid(field, "%v", err)
	}
	return s, nil
}

func (t *timetable) week(field string) ([]string, error) {
	for day := range t.Week {
		if !slices.Contains(weekdays(), day) {
			return nil, invalid(field, "%q is no day; expected Mon to Sun", day)
		}
	}
	var rules []string
	for _, day := range weekdays() {
		rule, err := dayRule(day, t.Week[day])
		if err != nil {
			return nil, invalid(field+"."+day, "%v", err)
		}
		if strings.TrimSpace(t.Week[day]) != "" {
			rules = append(rules, rule)
		}
	}
	if rules == nil {
		return nil, invalid(field, "expected times on a day at least")
	}
	return rules, nil
}

func (t *timetable) special(field string) ([]string, error) {
	if len(t.Holidays) > maxHolidays {
		return nil, invalid(field, "more than %d days", maxHolidays)
	}
	var rules []string
	seen := map[string]bool{}
	for i, day := range t.Holidays {
		at := fmt.Sprintf("%s[%d]", field, i)
		if !dateOf.MatchString(day.Date) {
			return nil, invalid(at+".date", "%q: expected a date, like 2026-12-24 or, for every year, 12-24", day.Date)
		}
		if _, err := dayRule(day.Date, ""); err != nil {
			return nil, invalid(at+".date", "%v", err)
		}
		rule, err := dayRule(day.Date, day.Times)
		switch {
		case err != nil:
			return nil, invalid(at+".times", "%v", err)
		case seen[day.Date]:
			return nil, invalid(at+".date", "%s is there twice", day.Date)
		}
		seen[day.Date] = true
		rules = append(rules, rule)
	}
	return rules, nil
}

// dayRule is a day's rule in a schedule, and what is wrong with it.
func dayRule(day, times string) (string, error) {
	spans := strings.FieldsFunc(times, func(r rune) bool { return r == ',' || r == ' ' })
	for _, span := range spans {
		if !timesOf.MatchString(span) {
			return "", fmt.Errorf("%q: expected times, like 09:00-17:30", span)
		}
	}
	rule := " " + day + " " + strings.Join(spans, " ")
	if len(spans) == 0 {
		rule = " closed " + day
	}
	_, err := hours.Parse("UTC" + rule)
	if inner := errors.Unwrap(err); inner != nil {
		return "", inner // without the place in a text that nobody wrote
	}
	return rule, err
}
