package words_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/liaison-skill/liaison/words"
)

func TestClip(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text  string
		limit int
		unit  words.Unit
		want  string
	}{
		{"", 3, words.UTF16, ""},
		{"abc", 3, words.UTF16, "abc"},
		{"abcd", 3, words.UTF16, "ab…"},
		{"e\u0301e\u0301", 3, words.Runes, "e\u0301…"},
		{"e\u0301e\u0301e\u0301", 4, words.Runes, "e\u0301…"}, // no accent is cut off
		{"👩‍👩‍👧‍👦!", 8, words.UTF16, "…"},                     // nor a member of a family
		{"👩‍👩‍👧‍👦!x", 12, words.UTF16, "👩‍👩‍👧‍👦…"},
		{"漢字漢字", 9, words.Bytes, "漢字…"},
	} {
		if got := words.Clip(tc.text, tc.limit, tc.unit); got != tc.want {
			t.Errorf("%q in %d: %q, want %q", tc.text, tc.limit, got, tc.want)
		}
	}
}

// TestClip_fits whatever the text is, and keeps its beginning.
func TestClip_fits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		limit := rapid.IntRange(3, 30).Draw(t, "limit")
		unit := rapid.SampledFrom([]words.Unit{words.UTF16, words.Bytes, words.Runes}).Draw(t, "unit")
		got := words.Clip(text, limit, unit)
		if unit.Len(got) > limit || !strings.HasPrefix(text, strings.TrimSuffix(got, "…")) {
			t.Fatalf("%q", got)
		}
	})
}
