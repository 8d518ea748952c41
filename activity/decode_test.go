package activity_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
)

// message returns the JSON of a valid message with some members replaced. A nil
// removes one.
func message(tb testing.TB, changes map[string]any) []byte {
	tb.Helper()
	members := map[string]any{
		"type": "message", "id": "1", "channelId": "msteams", "text": "hello",
		"from": map[string]any{"id": "29:user"}, "conversation": map[string]any{"id": "a:1"},
	}
	for name, v := range changes {
		members[name] = v
		if v == nil {
			delete(members, name)
		}
	}
	body, err := json.Marshal(members)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	object := func(member, value string) map[string]any { return map[string]any{member: value} }
	changed := func(member string, value any) []byte {
		return message(t, map[string]any{member: value})
	}
	long, veryLong := strings.Repeat("x", 513), strings.Repeat("x", 1537)
	for name, tc := range map[string]struct {
		body  []byte
		field string
		want  string // part of the text
	}{
		"no JSON":                      {[]byte("hello"), "", "JSON object"},
		"nothing":                      {nil, "", "JSON object"},
		"half an object":               {[]byte(`{"type":"message"`), "", "JSON object"},
		"two objects":                  {[]byte(`{"type":"message"}{}`), "", "JSON object"},
		"a list":                       {[]byte(`[{"type":"message"}]`), "", "JSON object"},
		"null":                         {[]byte(`null`), "type", "required"},
		"no type":                      {changed("type", nil), "type", "required"},
		"empty type":                   {changed("type", ""), "type", "required"},
		"type of nothing but U+0000":   {changed("type", "\x00"), "type", "required"},
		"no conversation":              {changed("conversation", nil), "conversation.id", "required"},
		"conversation without id":      {changed("conversation", object("name", "x")), "conversation.id", "required"},
		"no channel":                   {changed("channelId", nil), "channelId", "required"},
		"no sender":                    {changed("from", nil), "from.id", "required"},
		"sender without id":            {changed("from", object("name", "Ann")), "from.id", "required"},
		"event without name":           {changed("type", "event"), "name", "required for type event"},
		"invoke without name":          {changed("type", "invoke"), "name", "required for type invoke"},
		"text is a number":             {changed("text", 7), "text", "expected string, got number"},
		"sender is a text":             {changed("from", "29:user"), "from", "expected struct, got string"},
		"conversation id is a number":  {changed("conversation", map[string]any{"id": 7}), "conversation.id", "expected string, got number"},
		"attachments are an object":    {changed("attachments", map[string]any{}), "attachments", "expected slice, got object"},
		"attachment's type is a list":  {changed("attachments", []any{map[string]any{"contentType": []int{}}}), "attachments.contentType", "expected string, got array"},
		"long id":                      {changed("id", long), "id", "longer than 512 bytes"},
		"long sender id":               {changed("from", object("id", long)), "from.id", "longer than 512 bytes"},
		"long recipient id":            {changed("recipient", object("id", long)), "recipient.id", "longer than 512 bytes"},
		"long conversation id":         {changed("conversation", object("id", veryLong)), "conversation.id", "longer than 1536 bytes"},
		"long tenant id":               {changed("conversation", map[string]any{"id": "a:1", "tenantId": long}), "conversation.tenantId", "longer than 512 bytes"},
		"long tenant id of Teams":      {changed("channelData", map[string]any{"tenant": object("id", long)}), "channelData.tenant.id", "longer than 512 bytes"},
		"long related conversation id": {changed("relatesTo", map[string]any{"conversation": object("id", veryLong)}), "relatesTo.conversation.id", "longer than 1536 bytes"},
		"U+0000 in an id":              {changed("id", "1\x002"), "id", "U+0000"},
		"U+0000 in a conversation id":  {changed("conversation", object("id", "a\x00")), "conversation.id", "U+0000"},
		"U+0000 in a related id":       {changed("relatesTo", map[string]any{"conversation": object("id", "a\x00")}), "relatesTo.conversation.id", "U+0000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := activity.Decode(tc.body)
			invalid, ok := errors.AsType[*activity.InvalidError](err)
			if !ok {
				t.Fatalf("error is %v, want an InvalidError", err)
			}
			if invalid.Field != tc.field || !strings.Contains(invalid.Want, tc.want) {
				t.Errorf("error is %q at %q, want %q at %q", invalid.Want, invalid.Field, tc.want, tc.field)
			}
			if !strings.HasPrefix(err.Error(), "activity: ") || !strings.Contains(err.Error(), tc.field) {
				t.Errorf("error reads %q", err)
			}
		})
	}
}

func TestDecodeAccepts(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"a message":                         message(t, nil),
		"no id":                             message(t, map[string]any{"id": nil}),
		"no recipient":                      message(t, map[string]any{"recipient": map[string]any{"name": "Bot"}}),
		"the longest ids":                   message(t, map[string]any{"id": strings.Repeat("x", 512), "conversation": map[string]any{"id": strings.Repeat("y", 1536)}}),
		"an unknown type without a name":    message(t, map[string]any{"type": "somethingNew"}),
		"a type in another case is unknown": message(t, map[string]any{"type": "Event"}),
		"an unknown event":                  message(t, map[string]any{"type": "event", "name": "somethingNew"}),
		"an unknown delivery mode":          message(t, map[string]any{"deliveryMode": "pigeon"}),
		"unknown members at any depth": message(t, map[string]any{
			"new": 1, "from": map[string]any{"id": "29:user", "new": []int{1}},
			"conversation": map[string]any{"id": "a:1", "new": map[string]any{}},
			"attachments":  []any{map[string]any{"contentType": "x/y", "new": true}},
			"relatesTo":    map[string]any{"new": 1, "agent": map[string]any{"new": 2}},
		}),
		"unknown entities": message(t, map[string]any{"entities": []any{
			map[string]any{"type": "streaminfo", "streamSequence": 3}, map[string]any{"mentioned": map[string]any{"id": "1"}},
		}}),
		"members of value null":            []byte(`{"type":"message","channelId":"x","from":{"id":"u"},"conversation":{"id":"c"},"relatesTo":null,"value":null,"entities":null,"recipient":null}`),
		"a timestamp without a zone":       message(t, map[string]any{"timestamp": "2026-11-20T21:12:24"}),
		"a timestamp that is a number":     message(t, map[string]any{"timestamp": 1795207924}),
		"a timestamp in the far future":    message(t, map[string]any{"timestamp": "2999-01-01T00:00:00Z"}),
		"an empty timestamp":               message(t, map[string]any{"timestamp": ""}),
		"channelData that is a text":       message(t, map[string]any{"channelData": "x"}),
		"an end with nothing but its type": []byte(`{"type":"endOfConversation"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := activity.Decode(body); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDecodeReadsTimestamp(t *testing.T) {
	t.Parallel()
	a, err := activity.Decode(message(t, map[string]any{"timestamp": "2026-11-20T21:12:24.644Z"}))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 20, 21, 12, 24, 644e6, time.UTC); !a.Timestamp.Equal(want) {
		t.Errorf("timestamp is %s, want %s", a.Timestamp, want)
	}
}

// TestDecodeKeepsWhatIsOpen keeps value, channelData and content as they came.
func TestDecodeKeepsWhatIsOpen(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"an object":                      `{"b": 1,  "a":[2]}`,
		"JSON in a string":               `"{\"LiveChatConversationId\":\"7\"}"`,
		"an escaped backslash and u0000": `"\\u0000"`,
		"a large number":                 `12345678901234567890`,
		"null":                           `null`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"type":"message","channelId":"x","from":{"id":"u"},"conversation":{"id":"c"},"value":` + value +
				`,"channelData":` + value + `,"attachments":[{"contentType":"x/y","content":` + value + `}]}`
			a, err := activity.Decode([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			got := []string{string(a.Value), string(a.ChannelData), string(a.Attachments[0].Content)}
			if diff := cmp.Diff([]string{value, value, value}, got); diff != "" {
				t.Errorf("raw members (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecodeDropsNUL: PostgreSQL takes U+0000 neither in text nor in jsonb, so one
// anywhere would have the database refuse the whole turn.
func TestDecodeDropsNUL(t *testing.T) {
	t.Parallel()
	a, err := activity.Decode(message(t, map[string]any{
		"type": "event", "name": "start\x00Conversation", "text": "a\x00b", "locale": "en\x00",
		"from":         map[string]any{"id": "u", "name": "A\x00nn", "email": "a\x00@x"},
		"conversation": map[string]any{"id": "c", "name": "\x00"},
		"value":        map[string]any{"k\x00": "v\x00", "path": `C:\u0000`},
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{a.Name, a.Text, a.Locale, a.From.Name, a.From.Email, a.Conversation.Name, string(a.Value)}
	want := []string{"startConversation", "ab", "en", "Ann", "a@x", "", `{"k":"v","path":"C:\\u0000"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

// TestDecodeRecorded reads bodies as hosts, Teams and their test tools sent them.
func TestDecodeRecorded(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../internal/e2e/testdata/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %q, %v; want the recorded bodies", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a, err := activity.Decode(body)
			if err != nil {
				t.Fatal(err)
			}
			if a.Conversation.ID == "" || a.Channel() != activity.ChannelTeams || a.From.ID == "" {
				t.Errorf("decoded %+v", a)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(message(f, nil))
	f.Add(message(f, map[string]any{"text": "a\x00b", "timestamp": "never", "value": `{"a":"\u0000"}`}))
	f.Add([]byte(`{"type":"endOfConversation"}`))
	f.Add([]byte(`{"\u0000type":"x","text":"\\\u0000"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := activity.Decode(body)
		if err != nil {
			if _, ok := errors.AsType[*activity.InvalidError](err); !ok {
				t.Fatalf("error %v of an unknown kind", err)
			}
			return
		}
		if a.Type == "" || a.Type != activity.TypeEndOfConversation && (a.Conversation.ID == "" || a.From.ID == "" || a.ChannelID == "") {
			t.Fatalf("accepted %+v", a)
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("what was accepted does not encode: %v", err)
		}
		if strings.Contains(a.Text+a.From.Name+a.Name+a.Locale, "\x00") {
			t.Fatalf("U+0000 was kept: %+v", a)
		}
		if b, err := activity.Decode(again); err != nil || b.Text != a.Text || b.Conversation.ID != a.Conversation.ID {
			t.Fatalf("does not survive a second reading: %v\n%s", err, again)
		}
	})
}
