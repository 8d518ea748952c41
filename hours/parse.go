package hours

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Schedules that are one word.
const (
	always = "always"
	never  = "never"
)

// maxText bounds what is read, in bytes; maxRange the days of one range.
const (
	maxText  = 64 << 10
	maxRange = 366
)

// Load reads a schedule: the text of one, or @ and the name of a file that holds
// it.
func Load(text string) (Schedule, error) {
	name, ok := strings.CutPrefix(strings.TrimSpace(text), "@")
	if !ok {
		return Parse(text)
	}
	f, err := os.Open(name)
	if err != nil {
		return Schedule{}, fmt.Errorf("read hours: %w", err)
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return Schedule{}, fmt.Errorf("read hours: %w", err)
	}
	s, err := Parse(string(body))
	if err != nil {
		return Schedule{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// UnmarshalText implements [encoding.TextUnmarshaler] by [Load].
func (s *Schedule) UnmarshalText(text []byte) error {
	loaded, err := Load(string(text))
	if err != nil {
		return err
	}
	*s = loaded
	return nil
}

// Parse reads a schedule as the package comment writes it. An error names the
// place: a character, counted from 1, of a line.
func Parse(text string) (Schedule, error) {
	if len(text) > maxText {
		return Schedule{}, fmt.Errorf("longer than %d bytes", maxText)
	}
	words := scan(text)
	if len(words) == 1 && (words[0].text == always || words[0].text == never) {
		return Schedule{&plan{text: words[0].text, zone: time.UTC}}, nil
	}
	p := parser{plan: &plan{text: strings.TrimSpace(text), yearly: map[date][]span{}, dates: map[date][]span{}}}
	if err := p.parse(words); err != nil {
		at := len(text)
		if p.at < len(words) {
			at = words[p.at].at
		}
		return Schedule{}, fmt.Errorf("%s: %w", place(text, at), err)
	}
	return Schedule{p.plan}, nil
}

func place(text string, at int) string {
	before := text[:at]
	line := strings.Count(before, "\n")
	character := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) + 1
	if !strings.Contains(strings.TrimSpace(text), "\n") {
		return fmt.Sprintf("character %d", character)
	}
	return fmt.Sprintf("line %d, character %d", line+1, character)
}

// A word is a piece of a schedule and where it stands, in bytes. An empty one
// ends a rule.
type word struct {
	text string
	at   int
}

func scan(text string) []word {
	var words []word
	for at := 0; at < len(text); {
		rest := text[at:]
		r, width := utf8.DecodeRuneInString(rest)
		switch {
		case r == '#':
			width = len(rest)
			if i := strings.IndexByte(rest, '\n'); i >= 0 {
				width = i
			}
		case r == ';' || r == '\n':
			words = append(words, word{"", at})
		case r == ',' || unicode.IsSpace(r):
		default:
			if i := strings.IndexFunc(rest, func(r rune) bool { return strings.ContainsRune(",;#", r) || unicode.IsSpace(r) }); i >= 0 {
				rest = rest[:i]
			}
			width = len(rest)
			words = append(words, word{rest, at})
		}
		at += width
	}
	// What ends nothing is no rule.
	words = slices.CompactFunc(words, func(a, b word) bool { return a.text == "" && b.text == "" })
	if len(words) > 0 && words[0].text == "" {
		words = words[1:]
	}
	if n := len(words); n > 0 && words[n-1].text == "" {
		words = words[:n-1]
	}
	return words
}

// A parser fills in a plan; at is the word it is at, which its error is about.
type parser struct {
	plan *plan
	at   int
}

func (p *parser) parse(words []word) error {
	if len(words) == 0 {
		return errors.New("expected a time zone, like Europe/Berlin, and times; or always, or never")
	}
	if err := p.readZone(words[p.at].text); err != nil {
		return err
	}
	p.at++
	if p.at == len(words) {
		return errors.New("expected days and times, like Mon-Fri 09:00-17:30")
	}
	for p.at < len(words) {
		if words[p.at].text == "" {
			p.at++
		}
		if err := p.rule(words); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) readZone(name string) error {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return fmt.Errorf("%q: expected a time zone, like Europe/Berlin or UTC, or always, or never", name)
	}
	p.plan.zone = zone
	return nil
}

// rule reads days with their times up to the rule's end.
func (p *parser) rule(words []word) error {
	closed := strings.EqualFold(words[p.at].text, "closed")
	if closed {
		p.at++
	}
	var days []day
	var times []span
	first := p.at // of the days
	for ; p.at < len(words) && words[p.at].text != ""; p.at++ {
		text := words[p.at].text
		if clock.MatchString(text) {
			if err := p.addTime(&times, text, closed, days); err != nil {
				return err
			}
			continue
		}
		if times != nil {
			if err := p.set(days, times); err != nil {
				p.at = first
				return err
			}
			days, times, first = nil, nil, p.at
		}
		more, err := p.days(text)
		if err != nil {
			return err
		}
		days = append(days, more...)
	}
	if closed && days == nil {
		return errors.New("expected days after closed, like 12-25")
	}
	err := p.set(days, times)
	if times == nil && !closed {
		err = fmt.Errorf("%q: expected times after the days, like 09:00-17:30, or closed before them", words[first].text)
	}
	if err != nil {
		p.at = first
	}
	return err
}

var clock = regexp.MustCompile(`^[0-9]{1,2}:`)

func (p *parser) addTime(times *[]span, text string, closed bool, days []day) error {
	switch {
	case closed:
		return fmt.Errorf("%q: closed days have no times; end the rule with a semicolon", text)
	case days == nil:
		return fmt.Errorf("%q: expected days before the times, like Mon-Fri", text)
	}
	next, err := parseSpan(text)
	if err != nil {
		return err
	}
	for _, other := range *times {
		if next.from < other.to && other.from < next.to {
			return fmt.Errorf("%q overlaps the times before it", text)
		}
	}
	*times = append(*times, next)
	return nil
}

var spanForm = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})$`)

func parseSpan(text string) (span, error) {
	match := spanForm.FindStringSubmatch(text)
	if match == nil {
		return span{}, fmt.Errorf("%q: expected times, like 09:00-17:30", text)
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(match[i+1])
	}
	s := span{n[0]*60 + n[1], n[2]*60 + n[3]}
	switch {
	case s.from >= minutesADay || s.to > minutesADay || n[1] > 59 || n[3] > 59:
		return span{}, fmt.Errorf("%q: expected times from 00:00 to 24:00", text)
	case s.from == s.to:
		return span{}, fmt.Errorf("%q has no length; a whole day is 00:00-24:00", text)
	case s.to < s.from:
		s.to += minutesADay
	}
	return s, nil
}
