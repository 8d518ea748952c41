package texts

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/bidi"
)

// A Text is a sentence to be said, with its arguments. The functions of this
// package make it; the zero Text says nothing.
type Text struct {
	key  string
	args args
}

type args map[string]value

// inOwnChat is the text as it is said in our own bot's chat, where it differs.
func (t Text) inOwnChat() Text { return Text{t.key + "_own", t.args} }

// mayOmit reports whether a translation need not use the argument: clocks are
// read by twelve hours or by twenty-four.
func (t Text) mayOmit(name string) bool { return t.key == "time_clock" && name != "minute" }

// A value is an argument, which knows how it is said.
type value interface{ in(v Voice) string }

// A number is a value that a plural can be chosen by.
type number interface {
	value
	cardinal() int
}

type (
	words     string // a name, or somebody's words
	address   string // a URL
	part60    int    // an hour or a minute in two digits
	count     int
	decimal   float64
	size      int64 // bytes
	span      time.Duration
	occasion  struct{ at, now time.Time }
	plainText string // made of texts of ours
)

func (w words) in(v Voice) string    { return isolate(string(w), v.rightToLeft()) }
func (a address) in(Voice) string    { return string(a) }
func (n part60) in(Voice) string     { return string([]byte{'0' + byte(n/10%10), '0' + byte(n%10)}) }
func (n count) in(v Voice) string    { return v.number(float64(n)) }
func (n decimal) in(v Voice) string  { return v.number(float64(n)) }
func (n size) in(v Voice) string     { return v.Size(int64(n)) }
func (d span) in(v Voice) string     { return v.Duration(time.Duration(d)) }
func (o occasion) in(v Voice) string { return v.Time(o.at, o.now) }
func (p plainText) in(Voice) string  { return string(p) }

func (n count) cardinal() int  { return int(n) }
func (n part60) cardinal() int { return int(n) }

// Marks of UAX #9, https://www.unicode.org/reports/tr9/.
const (
	firstStrongIsolate = '\u2068'
	popIsolate         = '\u2069'
)

// isolate keeps words of the other direction, and marks that set a direction,
// from reordering the sentence around them.
func isolate(s string, rightToLeft bool) string {
	foreign := strings.ContainsFunc(s, func(r rune) bool {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.R, bidi.AL, bidi.AN:
			return !rightToLeft
		case bidi.L:
			return rightToLeft
		case bidi.LRE, bidi.LRO, bidi.RLE, bidi.RLO, bidi.PDF, bidi.LRI, bidi.RLI, bidi.FSI, bidi.PDI:
			return true
		default:
			return false
		}
	})
	if !foreign {
		return s
	}
	return string(firstStrongIsolate) + balanced(s) + string(popIsolate)
}

// balanced ends the isolates that s begins and drops what ends none: it would end
// ours.
func balanced(s string) string {
	open := 0
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '\u2066' && r <= firstStrongIsolate:
			open++
		case r == popIsolate && open == 0:
			return -1
		case r == popIsolate:
			open--
		}
		return r
	}, s)
	return s + strings.Repeat(string(popIsolate), open)
}
