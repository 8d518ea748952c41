package texts_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/texts"
)

func TestLoad_replaces_texts(t *testing.T) {
	t.Parallel()
	c := load(t, file(t, "\ufeff"+`{
		"DE": {"agent_joined": "{agent} ist jetzt da."},
		"de-AT": {"you_ended": "Servus, hier ist wieder der Copilot."},
		"pl": {"duration_minutes": "{n, plural, one {{n} minuta} few {{n} minuty} many {{n} minut} other {{n} minuty}}"}
	}`), "fr")
	for _, tc := range []struct {
		locale string
		text   texts.Text
		want   string
	}{
		{"de", texts.AgentJoined("Ada"), "Ada ist jetzt da."},
		{"de", texts.Deleted(), "(gelöscht)"},
		{"de-AT", texts.AgentJoined("Ada"), "Ada ist jetzt da."},
		{"de-AT", texts.YouEnded(), "Servus, hier ist wieder der Copilot."},
		{"de-CH", texts.YouEnded(), "Sie haben das Gespräch beendet. Sie sprechen wieder mit dem Copiloten."},
		{"pl", texts.Deleted(), "(supprimé)"}, // the default's, where the language has none
		{"pl", texts.Queued(0, 22*time.Minute), "Vous êtes dans la file d’attente. Attente estimée\u00a0: 22 minuty."},
	} {
		if got := c.In(tc.locale, "").Say(tc.text); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.locale, got, tc.want)
		}
	}
	for n, want := range map[time.Duration]string{1: "1 minuta", 2: "2 minuty", 5: "5 minut", 12: "12 minut", 22: "22 minuty"} {
		if got := c.In("pl", "").Duration(n * time.Minute); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLoad_refuses: each error names the file, the language, the text, and what
// was expected.
func TestLoad_refuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"de": {"agent_joind": "x"}}`:                        "de: agent_joind: no such text; liaison texts prints all there are",
		`{"de": {"agentJoined": "{agent}"}}`:                  "de: agentJoined: no such text; did you mean agent_joined?",
		`{"de": {"agent_joined": "{agnet} ist da"}}`:          "de: agent_joined: no argument {agnet}; there are: agent",
		`{"de": {"agent_joined": "Jemand ist da"}}`:           "de: agent_joined: the argument {agent} is missing",
		`{"de": {"deleted": "{text}"}}`:                       "de: deleted: no argument {text}; there are none",
		`{"de": {"edited": "{text, plural, other {}}"}}`:      "de: edited: {text} is not a number, so nothing can be chosen by it",
		`{"de": {"time_clock": "{hour}"}}`:                    "de: time_clock: the argument {minute} is missing",
		`{"de": {"deleted": "(weg"}, "xx-invalid-tag-1": {}}`: "xx-invalid-tag-1: expected a language tag, like de or pt-BR",

		`{"und": {}}`:          "und: expected a language tag",
		`{"de": {}, "DE": {}}`: "de and DE are the same language",
		`{"de": {}, "de": {}}`: "line 1: de comes twice",

		`{"de": {"you_ended": "x", "you_ended": "y"}}`: "line 1: de: you_ended comes twice",
		"{\"de\": {\n\n\"you_ended\": 7}}":             "line 3: de: you_ended: expected a sentence in quotes",
		"{\"de\":\n[]}":                                `line 2: de: expected an object, like {"de"`,
		`[]`:                                           "line 1: expected an object",
		`{"de": {"you_ended": "x"}`:                    "line 1: the file ends too early",
		``:                                             "line 1: the file ends too early",
		`{"de": {"you_ended": "x",}}`:                  "line 1: ",
		`{} {}`:                                        "line 1: something follows the last brace",
		`{"de": {"you_ended": " "}}`:                   "de: you_ended: the sentence is empty",
		`{"de": {"you_ended": "a\u0000b"}}`:            "de: you_ended: a control character stands in it",
		"{\"de\": {\"you_ended\": \"\xff\"}}":          "expected UTF-8",
		`{"de": {"you_ended": "ä}"}}`:                  "de: you_ended: character 2: this brace closes nothing",
		`{"de": {"you_ended": "ää{"}}`:                 `de: you_ended: character 3: expected the name of an argument after the brace, not ""`,
		`{"de": {"edited": "{text, date}"}}`:           "de: edited: character 1: expected {text} or {text, plural, …}",
		`{"de": {"edited": "{text"}}`:                  "de: edited: character 1: expected {text} or {text, plural, …}",

		`{"de": {"size_bytes": "{n, plural, one {{n}}}"}}`:     "character 22: the choice has no form other, or does not end",
		`{"de": {"size_bytes": "{n, plural, some {{n}}}"}}`:    `"some" is no plural form; there are zero, one, two, few, many, other and =number`,
		`{"de": {"size_bytes": "{n, plural, one {} one {}}"}}`: "the form one comes twice",
		`{"de": {"size_bytes": "{n, plural, other}"}}`:         "expected {…} after the form other",
		`{"de": {"size_bytes": "{n, plural, other {{n}"}}`:     "the form other does not end",

		`{"de": {"size_bytes": "` + strings.Repeat("{n, plural, other {", 50) + `"}}`: "choices within choices within choices",
		`{"de": {"you_ended": "` + strings.Repeat("x", 5000) + `"}}`:                  "longer than 4096 bytes",
		strings.Repeat(" ", 1<<20+1):                                                  "larger than 1048576 bytes",
	} {
		name := file(t, body)
		_, err := texts.Load(name, "")
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: error is %v, want %s", body, err, want)
		}
	}
}

func TestLoad_reports_every_problem(t *testing.T) {
	t.Parallel()
	_, err := texts.Load(file(t, `{"de": {"a": "x", "b": "x", "you_ended": "{"}, "??": {}, "en": {"c": "x"}}`), "")
	if err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("want five lines:\n%v", err)
	}
}

func TestLoad_needs_the_file(t *testing.T) {
	t.Parallel()
	if _, err := texts.Load("/nowhere/texts.json", ""); err == nil || !strings.Contains(err.Error(), "/nowhere/texts.json") {
		t.Errorf("error is %v", err)
	}
}

// FuzzLoad: whatever a file holds, it is refused or every language says
// something.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"de": {"deleted": "(weg)", "size_bytes": "{n, plural, =0 {nichts} one {{n}} other {{n}}}"}}`))
	f.Add([]byte(`{"ar": {"agent_joined": "انضم {agent}"}, "en": {"time_clock": "{hour}{minute}"}}`))
	f.Add([]byte(`{"de": {"edited": "{text, plural, other {{text, plural, other {`))
	f.Fuzz(func(t *testing.T, body []byte) {
		name := t.TempDir() + "/texts.json"
		if err := os.WriteFile(name, body, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := texts.Load(name, "")
		if err != nil {
			return
		}
		at := time.Date(2026, time.July, 31, 20, 0, 0, 0, time.UTC)
		for _, locale := range c.Languages() {
			v := c.In(locale, "Asia/Tokyo")
			for _, text := range []texts.Text{
				texts.Queued(2, time.Hour), texts.AgentJoined("Ada"), texts.Deleted(), texts.FileLink("a", 1, "u", at, at), texts.Closed(at.AddDate(0, 1, 0), at),
			} {
				if v.Say(text) == "" {
					t.Errorf("%s says nothing", locale)
				}
			}
		}
	})
}
