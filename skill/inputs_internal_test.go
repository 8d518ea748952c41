package skill

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/livechat"
)

func TestReadInputs(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]inputs{
		``:        {},
		`null`:    {},
		`7`:       {},
		`[1]`:     {},
		`"hello"`: {},
		`"{"`:     {},
		`{}`:      {variables: map[string]string{}},
		`{"LiveChatConversationId":"h","ProblemDescription":" lost \n"}`:         {hub: "h", problem: "lost", variables: map[string]string{}},
		`"{\"LiveChatConversationId\":\"h\",\"order\":12345678}"`:                {hub: "h", variables: map[string]string{"order": "12345678"}},
		`{"LiveChatConversationId":null,"ProblemDescription":{}}`:                {variables: map[string]string{}},
		`{"s":"x","n":12345678,"big":9007199254740993,"f":1.50,"t":true,"o":{}}`: {variables: map[string]string{"s": "x", "n": "12345678", "big": "9007199254740993", "f": "1.50", "t": "true"}},
		`{"s":"a\u0000b"}`: {variables: map[string]string{"s": "ab"}},
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			got, err := readInputs(json.RawMessage(value))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(inputs{})); diff != "" {
				t.Errorf("inputs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadInputsRefuses(t *testing.T) {
	t.Parallel()
	many := map[string]int{}
	for i := range maxVariables + 1 {
		many[fmt.Sprint(i)] = i
	}
	for name, value := range map[string]any{
		"too many":       many,
		"a long value":   map[string]string{"x": strings.Repeat("x", maxVariable+1)},
		"a long name":    map[string]string{strings.Repeat("x", maxVariable+1): "x"},
		"an unsafe name": map[string]string{"x\x00": "x"},
	} {
		body, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readInputs(body); err == nil || strings.Contains(err.Error(), "xx") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestReadInputs_hints(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]inputs{
		`{"Queue":" billing ","Skills":"German, invoices,,German","Priority":"3"}`: {queue: "billing", skills: []string{"German", "invoices"}, priority: 3},
		`{"Priority":5}`:                            {priority: 5},
		`{"Priority":"urgent","Skills":7}`:          {skills: []string{"7"}},
		`{"Priority":99999999999,"Skills":["x"]}`:   {},
		`{"Priority":-1,"Skills":" , ","Queue":{}}`: {priority: -1},
	} {
		got, err := readInputs(json.RawMessage(value))
		want.variables = map[string]string{}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(inputs{})); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", value, err, diff)
		}
	}
}

func TestReadInputs_clips(t *testing.T) {
	t.Parallel()
	family := "👩‍👩‍👧‍👦"
	value, err := json.Marshal(map[string]string{"Summary": strings.Repeat(family, 1000), "ProblemDescription": strings.Repeat("p", 9000)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readInputs(value)
	if err != nil || got.summary != strings.Repeat(family, 363)+"…" || len(got.problem) != 9000 {
		t.Errorf("%v: the summary is %d families, the problem %d long", err, strings.Count(got.summary, family), len(got.problem))
	}
}

func TestReadTranscript(t *testing.T) {
	t.Parallel()
	line := func(side livechat.Side, text string) livechat.Line { return livechat.Line{Side: side, Text: text} }
	hello, hi := line(livechat.SideUser, "hello"), line(livechat.SideCopilot, "hi")
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		value string // JSON
		want  []livechat.Line
	}{
		"text":             {`"User: hello\nCopilot: hi"`, []livechat.Line{hello, hi}},
		"other names":      {`"customer:hello\r\nBOT :  hi \n\n"`, []livechat.Line{hello, hi}},
		"lines that go on": {`"User: hello\nthere: you\nBot: hi"`, []livechat.Line{line(livechat.SideUser, "hello\nthere: you"), hi}},
		"nobody said it":   {`"hi"`, []livechat.Line{hi}},
		"a list, as text":  {`"[{\"role\":\"user\",\"text\":\"hello\"},{\"role\":\"assistant\",\"content\":\"hi\"}]"`, []livechat.Line{hello, hi}},
		"a list":           {`[{"from":{"role":"user","name":"Ann"},"text":"hello","timestamp":"2026-11-21T09:00:00Z"}]`, []livechat.Line{{Side: livechat.SideUser, Text: "hello", At: at}}},
		"somebody's name":  {`[{"sender":"Ann","message":"x"}]`, []livechat.Line{{Side: livechat.SideCopilot, Sender: "Ann", Text: "x"}}},
		"texts in a list":  {`["User: hello","Copilot: hi"]`, []livechat.Line{hello, hi}},
		"odd members":      {`[{"role":1,"text":{},"x":[]},null,7,{"role":"user","text":"hello","timestamp":17}]`, []livechat.Line{hello}},
		"broken JSON":      {`"[{\"role\":"`, []livechat.Line{line(livechat.SideCopilot, `[{"role":`)}},
		"an object":        {`{"a":1}`, nil},
		"nothing":          {`null`, nil},
		"an empty text":    {`" \n "`, nil},
		"a number":         {`7`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readInputs(json.RawMessage(`{"Transcript":` + tc.value + `}`))
			if err != nil || len(got.variables) > 0 {
				t.Errorf("variables are %v, %v", got.variables, err)
			}
			if diff := cmp.Diff(tc.want, got.transcript); diff != "" && len(tc.want)+len(got.transcript) > 0 {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestReadTranscript_is_bounded: the last lines stay, a long one is cut.
func TestReadTranscript_is_bounded(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 5 * maxLines {
		fmt.Fprintf(&text, "User: %d %s\n", i, strings.Repeat("x", 3*maxLine))
	}
	got := readTranscript(text.String())
	if len(got) != maxLines || !strings.HasPrefix(got[maxLines-1].Text, "249 x") || len(got[0].Text) != maxLine+len("…")-1 {
		t.Errorf("%d lines, the last %.10q", len(got), got[len(got)-1].Text)
	}
	if got := readTranscript("User: a\n" + strings.Repeat("y\n", 100_000)); len(got) != 1 || len(got[0].Text) > maxLine+2 {
		t.Errorf("%d lines", len(got))
	}
}
