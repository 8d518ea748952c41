package proactive_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/words"
)

// TestAgentLinesAreLiteral shows what agents write, and obeys none of it.
func TestAgentLinesAreLiteral(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "",
		"plain words, 3.5 + 2 = 5": "plain words, 3.5 + 2 = 5",
		"**bold** _it_ ~~s~~ `c`":  "\\*\\*bold\\*\\* \\_it\\_ \\~\\~s\\~\\~ \\`c\\`",
		`C:\temp`:                  `C:\\temp`,
		"<b>x</b> & &lt; >":        "&lt;b&gt;x&lt;/b&gt; &amp; &amp;lt; &gt;",
		"<at>Everyone</at>":        "&lt;at&gt;Everyone&lt;/at&gt;",
		"[x](https://a.example/)":  `\[x\](https://a.example/)`,
		"![x](y)":                  `!\[x\](y)`,
		"a | b":                    `a \| b`,
		"# head":                   `\# head`,
		"- one\n- two":             "\\- one\n\n\\- two",
		"+ one":                    `\+ one`,
		"-":                        `\-`,
		"---":                      `\---`,
		"===":                      `\===`,
		"1. one\n23) two":          "1\\. one\n\n23\\) two",
		"   1. one":                "\u00a0\u00a0\u00a01\\. one",
		"    code":                 "\u00a0\u00a0\u00a0\u00a0code",
		"\tcode":                   "\u00a0\u00a0\u00a0\u00a0code",
		"a - b # c 1. d":           "a - b # c 1. d",
		"one\ntwo\r\nthree\rfour":  "one\n\ntwo\n\nthree\n\nfour",
		"x\r# y":                   "x\n\n\\# y",
		"see https://a.example/x_y_z?a=1&b=2#c_d.": "see https://a.example/x_y_z?a=1&b=2#c_d.",
		"HTTPS://A.example/x_y":                    "HTTPS://A.example/x_y",
		"https://a.example/<b>":                    "[https://a.example/](https://a.example/)&lt;b&gt;",
		"https://a.example/**b**":                  `[https://a.example/](https://a.example/)\*\*b\*\*`,
		"https://a.example/[b](https://c.example)": `[https://a.example/](https://a.example/)\[b\](https://c.example)`,
		"_https://a.example/_ _https://b.example":  `\_[https://a.example/\_](https://a.example/_) \_https://b.example`,
		"ünïcode 👋 漢字":                             "ünïcode 👋 漢字",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, proactive.AgentLines("", words.Literal(text))[0].Text); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAgentLinesNameTheAgent(t *testing.T) {
	t.Parallel()
	for sender, want := range map[string]string{
		"Bo":           "**Bo**: hi",
		"":             "hi",
		" \n":          "hi",
		" Bo \n Smith": "**Bo Smith**: hi",
		"*Bo*":         `**\*Bo\***: hi`,
		"<at>Bo</at>":  "**&lt;at&gt;Bo&lt;/at&gt;**: hi",
	} {
		a := proactive.AgentLines(sender, "hi")[0]
		if a.Text != want || a.Type != activity.TypeMessage || a.TextFormat != activity.FormatMarkdown || a.Entities != nil {
			t.Errorf("%q says %+v, want %q", sender, a, want)
		}
	}
}

// TestAgentLinesFit: each line says whose it is, and marks stay at the beginning
// of theirs.
func TestAgentLinesFit(t *testing.T) {
	t.Parallel()
	lines := proactive.AgentLines("Bo", strings.Repeat("> a quote 🙂\n\n", 4000))
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, l := range lines {
		want := fmt.Sprintf("**Bo**: (%d/3)\n\n> a quote 🙂", i+1)
		if !strings.HasPrefix(l.Text, want) || words.UTF16.Len(l.Text) > 20_100 || l.TextFormat != activity.FormatMarkdown {
			t.Errorf("line %d is %d long and begins %.40q", i+1, words.UTF16.Len(l.Text), l.Text)
		}
	}
	if got := proactive.AgentLines("Bo", "```\ncode\n```")[0].Text; got != "**Bo**:\n\n```\ncode\n```" {
		t.Errorf("code is %q", got)
	}
}

func TestNoticeIsPlain(t *testing.T) {
	t.Parallel()
	want := activity.Activity{Type: activity.TypeMessage, Text: "*Bo* has joined.", TextFormat: activity.FormatPlain}
	if diff := cmp.Diff(want, proactive.Notice("*Bo* has joined.")); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
}
