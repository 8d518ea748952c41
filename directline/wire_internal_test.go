package directline

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadSet: what makes no sense takes nothing else with it (statement 86).
func TestReadSet(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		in         string
		texts      []string
		watermark  string
		unreadable int
	}{
		"nothing":              {`{}`, nil, "", 0},
		"null":                 {`{"activities":null,"watermark":null}`, nil, "", 0},
		"only a watermark":     {`{"watermark":"0000a-42"}`, nil, "0000a-42", 0},
		"a watermark as digit": {`{"activities":[],"watermark":5}`, nil, "", 0},
		"strangers among them": {`{"activities":[{"type":"message","text":"a"},7,{"type":{}},null,{},{"type":"message","text":"b"}],"watermark":"3"}`, []string{"a", "b"}, "3", 4},
	} {
		got, err := readSet([]byte(row.in))
		var texts []string
		for _, a := range got.activities {
			texts = append(texts, a.Text)
		}
		if err != nil || !cmp.Equal(texts, row.texts) || got.watermark != row.watermark || got.unreadable != row.unreadable {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, in := range []string{"", "[]", "x", `{"activities":`} {
		if _, err := readSet([]byte(in)); err == nil {
			t.Errorf("%q was read", in)
		}
	}
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	raw := `{"suggestedActions":{"actions":[{"title":"Yes","value":"yes, please"},{"title":"No","text":"no"},{"title":"Maybe"},{"value":{"x":1},"title":"Card"},{}]}}`
	want := []Suggestion{{"Yes", "yes, please"}, {"No", "no"}, {"Maybe", "Maybe"}, {"Card", "Card"}}
	if diff := cmp.Diff(want, suggestions(json.RawMessage(raw))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := suggestions(json.RawMessage(`{"suggestedActions":"none"}`)); got != nil {
		t.Errorf("got %v", got)
	}
}

// FuzzReadSet: a frame is anybody's.
func FuzzReadSet(f *testing.F) {
	f.Add([]byte(`{"activities":[{"type":"message","id":"a|1","from":{"role":"bot"},"channelData":{"clientActivityID":"k"}}],"watermark":"1"}`))
	f.Add([]byte(`{"activities":[{"type":"message","suggestedActions":{"actions":[{"title":"a","value":1}]}}],"watermark":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readSet(data)
		if err != nil && len(got.activities) > 0 {
			t.Errorf("an error with %d activities", len(got.activities))
		}
		for _, a := range got.activities {
			if a.Type == "" {
				t.Error("an activity without a type")
			}
			_ = said(a.Activity)
			for _, s := range a.Suggestions {
				if s.Value == "" {
					t.Error("a suggestion that says nothing")
				}
			}
		}
	})
}
