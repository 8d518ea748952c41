package env

import (
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Secret is a value that never shows: however it is printed, logged or
// encoded, it reads "[redacted]".
type Secret string

const redacted = "[redacted]"

// Reveal returns the value, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String implements [fmt.Stringer].
func (Secret) String() string { return redacted }

// GoString implements [fmt.GoStringer].
func (Secret) GoString() string { return redacted }

// Format implements [fmt.Formatter]: without it %x and %q of a string type
// would print the value.
func (Secret) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], and with it JSON's.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// A Duration is a [time.Duration] whose text may count in days, as in "30d" or
// "1d12h". A day has 24 hours.
type Duration time.Duration

var days = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	var whole time.Duration
	rest := string(text)
	if match := days.FindStringSubmatch(rest); match != nil {
		n, _ := strconv.Atoi(match[1])
		whole, rest = time.Duration(n)*24*time.Hour, match[2]
	}
	if rest != "" || whole == 0 && len(text) == 0 {
		part, err := time.ParseDuration(rest)
		if err != nil || part < 0 {
			return fmt.Errorf("%q is not a duration such as 500ms, 30s, 5m, 12h or 30d", text)
		}
		whole += part
	}
	*d = Duration(whole)
	return nil
}

// String implements [fmt.Stringer].
func (d Duration) String() string { return time.Duration(d).String() }

// Bytes is a size, whose text may count in units: "512", "64KiB", "1MiB",
// "20MB", "1GiB".
type Bytes int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (b *Bytes) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "BKMGi")
	unit, ok := unitOf(string(text[len(digits):]))
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("%q is not a size such as 512, 64KiB or 20MB", text)
	}
	*b = Bytes(n * unit)
	return nil
}

func unitOf(name string) (int64, bool) {
	switch name {
	case "", "B":
		return 1, true
	case "KiB":
		return 1 << 10, true
	case "MiB":
		return 1 << 20, true
	case "GiB":
		return 1 << 30, true
	case "KB":
		return 1e3, true
	case "MB":
		return 1e6, true
	case "GB":
		return 1e9, true
	}
	return 0, false
}
