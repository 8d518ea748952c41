package activity_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
)

func TestChannelLeavesOutTheSubChannel(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"msteams": "msteams", "msteams:COPILOT": "msteams", "pva-studio": "pva-studio", "": "", ":x": "", "MSTeams": "MSTeams",
	} {
		if got := (activity.Activity{ChannelID: id}).Channel(); got != want {
			t.Errorf("channel of %q is %q, want %q", id, got, want)
		}
	}
}

func TestTenant(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ conversation, data, want string }{
		"in the conversation":     {"t1", "", "t1"},
		"in channelData":          {"", `{"tenant":{"id":"t2"}}`, "t2"},
		"the conversation's wins": {"t1", `{"tenant":{"id":"t2"}}`, "t1"},
		"nowhere":                 {"", `{"team":{"id":"t2"}}`, ""},
		"channelData is a text":   {"", `"tenant"`, ""},
		"tenant is a text":        {"", `{"tenant":"t2"}`, ""},
		"id is a number":          {"", `{"tenant":{"id":2}}`, ""},
	} {
		a := activity.Activity{Conversation: activity.Conversation{TenantID: tc.conversation}, ChannelData: json.RawMessage(tc.data)}
		if got := a.Tenant(); got != tc.want {
			t.Errorf("%s: tenant is %q, want %q", name, got, tc.want)
		}
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	info := activity.Entity{Type: "clientInfo", Platform: "Web", Timezone: "Europe/Berlin"}
	a := activity.Activity{Entities: []activity.Entity{{Type: "mention", Platform: "x"}, info, {Type: "clientInfo"}}}
	if diff := cmp.Diff(info, a.Client()); diff != "" {
		t.Errorf("client (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(activity.Entity{}, activity.Activity{}.Client()); diff != "" {
		t.Errorf("client of an activity without entities (-want +got):\n%s", diff)
	}
}

func TestMentioned(t *testing.T) {
	t.Parallel()
	a := activity.Activity{Entities: []activity.Entity{
		{Type: "clientInfo", Mentioned: json.RawMessage(`{"id":"28:bot","name":"no mention"}`)},
		{Type: "mention", Mentioned: json.RawMessage(`"28:bot"`)},
		{Type: "mention", Mentioned: json.RawMessage(`{"id":"29:ann","name":"Ann"}`)},
		{Type: "mention", Mentioned: json.RawMessage(`{"id":"28:bot","name":"Liaison"}`)},
	}}
	for id, want := range map[string]string{"28:bot": "Liaison", "29:ann": "Ann", "28:BOT": "", "": ""} {
		if got := a.Mentioned(id); got != want {
			t.Errorf("%q is mentioned as %q, want %q", id, got, want)
		}
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ from, data, want string }{
		"from":                  {"a@x", `{"email":"b@x"}`, "a@x"},
		"channelData":           {"", `{"email":"b@x"}`, "b@x"},
		"nowhere":               {"", `{}`, ""},
		"channelData is a text": {"", `"b@x"`, ""},
		"a number":              {"", `{"email":1}`, ""},
	} {
		a := activity.Activity{From: activity.Account{Email: tc.from}, ChannelData: json.RawMessage(tc.data)}
		if got := a.Email(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestExpectsRepliesOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]bool{"expectReplies": true, "normal": false, "": false, "stream": false, "pigeon": false} {
		if got := (activity.Activity{DeliveryMode: mode}).ExpectsReplies(); got != want {
			t.Errorf("%q expects replies: %t", mode, got)
		}
	}
}

// TestMarshalLeavesOutWhatIsEmpty: hosts reject members that are null or empty
// where they expect something else.
func TestMarshalLeavesOutWhatIsEmpty(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{
		`{"type":"typing"}`: activity.Activity{Type: activity.TypeTyping},
		`{"type":"message","relatesTo":{},"attachments":[{"contentType":"a/b"}],"entities":[{"type":"e"}]}`: activity.Activity{
			Type: activity.TypeMessage, RelatesTo: &activity.RelatesTo{},
			Attachments: []activity.Attachment{{ContentType: "a/b"}}, Entities: []activity.Entity{{Type: "e"}},
		},
		`{"activities":[]}`: activity.ExpectedReplies{Activities: []activity.Activity{}},
	} {
		got, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("encoded as %s\nwant %s", got, want)
		}
	}
}

func TestMarshalAndDecodeAgree(t *testing.T) {
	t.Parallel()
	want := activity.Activity{
		Type: "event", ID: "1", Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), LocalTimezone: "Europe/Berlin",
		ServiceURL: "https://x/", ChannelID: "msteams:COPILOT", Name: "n", Text: "t", TextFormat: activity.FormatPlain,
		From: activity.Account{ID: "29:1", Name: "Ann", AADObjectID: "o", Role: "user", Email: "a@x"}, Recipient: activity.Account{ID: "28:1"},
		Conversation: activity.Conversation{ID: "a;b:c@d=e/f", ConversationType: "personal", TenantID: "t", IsGroup: true},
		RelatesTo:    &activity.RelatesTo{ServiceURL: "https://y/", Conversation: activity.Conversation{ID: "c"}, User: &activity.Account{ID: "u"}},
		ReplyToID:    "0", Locale: "de-DE", DeliveryMode: activity.DeliveryExpectReplies, Code: activity.CodeCompleted,
		Value: json.RawMessage(`{"a":1}`), MembersAdded: []activity.Account{{ID: "m"}},
	}
	body, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := activity.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after encoding and decoding (-want +got):\n%s", diff)
	}
}
