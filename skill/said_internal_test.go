package skill

import (
	"encoding/json"
	"testing"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/bridge"
)

func TestSaid(t *testing.T) {
	t.Parallel()
	html := func(content string) activity.Attachment {
		raw, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		return activity.Attachment{ContentType: "text/html", Content: raw}
	}
	file := activity.Attachment{ContentType: "image/png", Name: "a.png"}
	odd := activity.Attachment{ContentType: "text/html", Content: json.RawMessage(`{"html":7}`)}
	const shown = "[The user sent an attachment that is not shown here: "
	for name, tc := range map[string]struct {
		text, problem string
		files         []activity.Attachment
		want          string
	}{
		"words":                    {"hello", "", nil, "hello"},
		"words before the problem": {"hello", "lost", nil, "hello"},
		"the problem for no words": {" \n", "lost", nil, "lost"},
		"nothing":                  {"", "", nil, ""},
		"a file's name":            {"look", "", []activity.Attachment{file}, "look\n" + shown + "a.png]"},
		"a file without a name":    {"", "", []activity.Attachment{{ContentType: "image/png"}}, shown + "image/png]"},
		"files beside a companion": {"", "", []activity.Attachment{html(""), file}, shown + "a.png]"},
		"several, in their order":  {"", "", []activity.Attachment{file, {ContentType: "x/y"}}, shown + "a.png]\n" + shown + "x/y]"},
		"what was formatted":       {"one two", "", []activity.Attachment{html("<ul><li>one</li><li>two</li></ul>")}, "- one\n- two"},
		"an odd companion":         {"hello", "", []activity.Attachment{odd, html("<p>hello</p>")}, "hello"},
		"the bot is not mentioned": {"<at>Liaison</at> hello <at>Ann</at>", "", nil, "hello @Ann"},
		"nor as it is shown":       {"<at>Helpdesk</at> hello", "", []activity.Attachment{html("<p><at>Helpdesk</at> hello</p>")}, "@Helpdesk hello"},
	} {
		a := activity.Activity{Text: tc.text, Attachments: tc.files}
		_, others := attached(tc.files, bridge.ConnectorFiles)
		if got := handler(t).said(a, others, activity.Account{ID: "28:bot", Name: "Liaison"}, tc.problem); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	a := activity.Activity{Text: "<at>Helpdesk</at> hello", Entities: []activity.Entity{
		{Type: "mention", Mentioned: json.RawMessage(`{"id":"28:bot","name":"Helpdesk"}`)},
	}}
	if got := handler(t).said(a, nil, activity.Account{ID: "28:bot", Name: "Liaison"}, ""); got != "hello" {
		t.Errorf("with the mention: %q", got)
	}
}
