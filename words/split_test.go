package words_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/words"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	family := "👨‍👩‍👧‍👦" // 11 code units, 25 bytes, 7 runes
	for name, c := range map[string]struct {
		text  string
		limit int
		unit  words.Unit
		want  []string
	}{
		"what fits is whole":             {" as it is\n", 10, words.Bytes, []string{" as it is\n"}},
		"nothing is one part":            {"", 5, words.Bytes, []string{""}},
		"no limit":                       {"abc", 0, words.Bytes, []string{"abc"}},
		"white space has no words":       {"\n \n   \n", 3, words.Bytes, []string{""}},
		"paragraphs before lines":        {"one two three\n\nfour\nfive six", 22, words.Runes, []string{"one two three", "four\nfive six"}},
		"lines before sentences":         {"One two. Three\nFour. Five", 22, words.Runes, []string{"One two. Three", "Four. Five"}},
		"sentences before words":         {"One two three. Four five six", 24, words.Runes, []string{"One two three.", "Four five six"}},
		"words before characters":        {"donaudampfschiff fahrt", 18, words.Runes, []string{"donaudampfschiff", "fahrt"}},
		"characters":                     {"donaudampfschifffahrt", 12, words.Runes, []string{"donaudampfsc", "hifffahrt"}},
		"a sentence without a space":     {"注文です。返品をお願いします", 8, words.Runes, []string{"注文です。", "返品をお願いしま", "す"}},
		"a first line's indent":          {"one two\n  three four", 14, words.Runes, []string{"one two", "  three four"}},
		"a short paragraph is no part":   {"Hi\n\nthis is a long one", 14, words.Runes, []string{"Hi\n\nthis is a", "long one"}},
		"a family is one character":      {family + family, 19, words.UTF16, []string{family, family}},
		"a flag is one character":        {"🇩🇪🇫🇷", 4, words.UTF16, []string{"🇩🇪", "🇫🇷"}},
		"units: bytes":                   {"ééé", 4, words.Bytes, []string{"éé", "é"}},
		"units: runes":                   {"ééé", 2, words.Runes, []string{"éé", "é"}},
		"units: UTF-16":                  {"😀😀😀", 4, words.UTF16, []string{"😀😀", "😀"}},
		"a character beyond the limit":   {"e\u0301\u0302\u0303", 2, words.Runes, []string{"e\u0301", "\u0302\u0303"}},
		"a rune beyond the limit":        {"😀😀", 1, words.Bytes, []string{"😀", "😀"}},
		"escapes are not cut":            {`aaaa\*b&amp;c`, 5, words.Bytes, []string{"aaaa", `\*b`, "&amp;", "c"}},
		"an unfinished escape at an end": {`aaaa&amp`, 5, words.Bytes, []string{"aaaa", "&amp"}},
		"invalid UTF-8":                  {"a\xffb", 3, words.Bytes, []string{"a", "\ufffd", "b"}},
		"numbered":                       {"aaaaaaaaaaaaaa bbbbbbbbbbbbbb cccccccccccccc", 30, words.Runes, []string{"(1/3) aaaaaaaaaaaaaa", "(2/3) bbbbbbbbbbbbbb", "(3/3) cccccccccccccc"}},
		"one part alone has no number":   {"a" + strings.Repeat(" ", 40), 30, words.Runes, []string{"a"}},
		"a number before a list":         {"aaaaaaaaaaaaaaa\n- bbbbbbbbbbb\n2. cccccccccccccc", 30, words.Runes, []string{"(1/3) aaaaaaaaaaaaaaa", "(2/3)\n\n- bbbbbbbbbbb", "(3/3)\n\n2. cccccccccccccc"}},
		"no list that was none":          {"aaaaaaaaaaaaaaaaaaaaa - bbbbbbbbbbb", 30, words.Runes, []string{"(1/2) aaaaaaaaaaaaaaaaaaaaa", "(2/2) - bbbbbbbbbbb"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, words.Split(c.text, c.limit, c.unit)); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSplitKeepsCode: each part shows its share of a block as code.
func TestSplitKeepsCode(t *testing.T) {
	t.Parallel()
	text := "> Look:\n>\n> ```go\n> a := 1\n> bb := 22\n> ccc := 333\n> ```\n\nThat is all of it, I think."
	want := []string{
		"(1/3)\n\n> Look:\n>\n> ```go\n> a := 1\n> ```",
		"(2/3)\n\n> ```go\n> bb := 22\n> ccc := 333\n> ```",
		"(3/3) That is all of it, I think.",
	}
	if diff := cmp.Diff(want, words.Split(text, 48, words.Bytes)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// TestSplitCutsBetweenCodeAndWords: no part has a block without code.
func TestSplitCutsBetweenCodeAndWords(t *testing.T) {
	t.Parallel()
	empty := regexp.MustCompile("(?m)^```[a-z]*\n```$")
	text := strings.Repeat("Some words before it.\n```sh\nls -l\ncd\n```\n", 20)
	for limit := 40; limit < 120; limit++ {
		for _, part := range words.Split(text, limit, words.Bytes) {
			if strings.Count(part, "```")%2 != 0 || empty.MatchString(part) || len(part) > limit {
				t.Errorf("limit %d: %q", limit, part)
			}
		}
	}
}

// TestSplitNumbersGrow: the numbers' own length is reckoned with.
func TestSplitNumbersGrow(t *testing.T) {
	t.Parallel()
	for _, n := range []int{9, 10, 99, 100, 101, 999, 1000} {
		parts := words.Split(strings.Repeat("0123456789 ", n*4), 64, words.UTF16)
		for i, part := range parts {
			if !strings.HasPrefix(part, fmt.Sprintf("(%d/%d) 0", i+1, len(parts))) || words.UTF16.Len(part) > 64 {
				t.Fatalf("part %d of %d is %q", i+1, len(parts), part)
			}
		}
	}
}
