package texts

import (
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	textmessage "golang.org/x/text/message"
	textnumber "golang.org/x/text/number"
)

// A Voice speaks to one listener: in their language, by their clock.
// [Catalogue.In] makes it; the zero Voice is silent.
type Voice struct {
	chain    []*translation // where a sentence is looked for
	sentence language.Tag   // of the one that is being said; not every language has all
	numbers  language.Tag
	zone     string
	own      bool // in our own bot's chat
}

// InOwnChat returns the voice for our own bot's chat, where there is no copilot to
// speak of: some texts differ there.
func (v Voice) InOwnChat() Voice {
	v.own = true
	return v
}

// Say returns the text's sentence.
func (v Voice) Say(t Text) string {
	for _, tr := range v.chain {
		m, ok := tr.messages[t.inOwnChat().key]
		if !v.own || !ok {
			m, ok = tr.messages[t.key]
		}
		if ok {
			v.sentence = tr.tag
			var b strings.Builder
			m.write(&b, v, t.args)
			return b.String()
		}
	}
	return ""
}

// Language returns the tag of the language spoken.
func (v Voice) Language() string {
	if len(v.chain) == 0 {
		return ""
	}
	return v.chain[0].tag.String()
}

// Direction returns "ltr" or "rtl", as the language spoken is written.
func (v Voice) Direction() string {
	if len(v.chain) > 0 && rightToLeft(v.chain[0].tag) {
		return "rtl"
	}
	return "ltr"
}

func (v Voice) rightToLeft() bool { return rightToLeft(v.sentence) }

func rightToLeft(tag language.Tag) bool {
	script, _ := tag.Script()
	return slices.Contains([]string{"Arab", "Hebr", "Nkoo", "Syrc", "Thaa"}, script.String())
}

func (v Voice) number(n float64) string {
	return textmessage.NewPrinter(v.numbers).Sprint(textnumber.Decimal(n, textnumber.MaxFractionDigits(1)))
}

// Duration returns a length of time as people say it, such as "about 5 minutes".
// It is rounded up to minutes, and above an hour to the nearest hour.
func (v Voice) Duration(d time.Duration) string {
	minutes := int(math.Ceil(d.Minutes()))
	switch {
	case d < time.Minute:
		return v.Say(durationMoment())
	case minutes < 60:
		return v.Say(durationMinutes(minutes))
	}
	return v.Say(durationHours(int(d.Round(time.Hour).Hours())))
}

// Size returns a number of bytes, such as "1.5 MB". A KB is 1,024 bytes, as
// Windows and Teams count.
func (v Voice) Size(bytes int64) string {
	const most = 999.5 // that is written in a unit, before rounding
	if bytes < 1000 {
		return v.Say(sizeBytes(int(max(bytes, 0))))
	}
	n := float64(bytes) / 1024
	unit := 0
	for n >= most && unit < 2 {
		n, unit = n/1024, unit+1
	}
	if n >= 10 {
		n = math.Round(n)
	}
	return v.Say([]func(float64) Text{sizeKB, sizeMB, sizeGB}[unit](n))
}

// Time returns a time as it is said now, such as "tomorrow at 9:00 AM". A
// listener whose zone is unknown is told the time in UTC, and that it is.
func (v Voice) Time(at, now time.Time) string {
	zone, known := v.location()
	at, now = at.In(zone), now.In(zone)
	clock := v.clock(at)
	if !known {
		clock += " UTC"
	}
	switch days := daysBetween(now, at); {
	case days == 0:
		return v.Say(timeToday(clock))
	case days == 1:
		return v.Say(timeTomorrow(clock))
	case days > 1 && days < 7:
		return v.Say(timeWeekday(v.weekday(at), clock))
	}
	return v.Say(timeDate(v.weekday(at), at.Day(), v.Say(monthName(at.Month())), clock))
}

func (v Voice) location() (*time.Location, bool) {
	if v.zone == "" || v.zone == "Local" {
		return time.UTC, false
	}
	zone, err := time.LoadLocation(v.zone)
	if err != nil {
		return time.UTC, false
	}
	return zone, true
}

func (v Voice) clock(at time.Time) string {
	half := halfAM()
	if at.Hour() >= 12 {
		half = halfPM()
	}
	return v.Say(timeClock(at.Hour(), at.Minute(), v.Say(half)))
}

func (v Voice) weekday(at time.Time) string { return v.Say(weekdayName(at.Weekday())) }

// daysBetween counts midnights, whatever time the clocks are changed.
func daysBetween(from, to time.Time) int {
	day := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}
