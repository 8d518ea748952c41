package directline

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

// How much of the past a state remembers. What comes twice comes soon.
const (
	keepHeard = 100
	keepSaid  = 20
)

// A Token opens one conversation. It never shows, except in JSON: there a state
// is kept.
type Token string

// Format implements [fmt.Formatter].
func (Token) Format(out fmt.State, _ rune) { _, _ = io.WriteString(out, "[redacted]") }

// LogValue implements [slog.LogValuer].
func (Token) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// A State is what resumes a conversation. It holds a token: keep it as a secret.
type State struct {
	Conversation activity.ConversationID `json:"conversation"`
	User         string                  `json:"user"`
	Base         string                  `json:"base"`
	Token        Token                   `json:"token"`
	Issued       time.Time               `json:"issued"`
	Expires      time.Time               `json:"expires"`
	Watermark    string                  `json:"watermark,omitempty"`
	Heard        []string                `json:"heard,omitempty"` // ids of what came last
	Said         []string                `json:"said,omitempty"`  // keys of what was posted last and has come back
}

func (s State) clone() State {
	s.Heard, s.Said = slices.Clone(s.Heard), slices.Clone(s.Said)
	return s
}

// due reports whether the token is past half of its life.
func (s State) due(now time.Time) bool { return now.After(s.Issued.Add(s.Expires.Sub(s.Issued) / 2)) }

// remember appends to what is kept of the past.
func remember(all []string, one string, keep int) []string {
	all = append(all, one)
	return slices.Delete(all, 0, max(0, len(all)-keep))
}
