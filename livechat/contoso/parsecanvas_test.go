package contoso_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/livechat/contoso"
)

func TestParseCanvas(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 20, 52, 4, 0, time.UTC)
	for name, row := range map[string]struct {
		body  string
		want  livechat.CanvasEvent
		field string // of the error
	}{
		"opened": {
			body: `{"Event":"opened","Id":"1","ConversationId":"c","User":{"id":"u","name":"A\u0000da","timeZone":"Asia/Tokyo"},"Timestamp":"2026-11-20T20:52:04Z"}`,
			want: livechat.CanvasEvent{Kind: livechat.CanvasOpened, ID: "1", Conversation: "c", At: at, User: livechat.User{ID: "u", Name: "Ada", TimeZone: "Asia/Tokyo"}},
		},
		"asked, camel case": {
			body: `{"event":"ASKED","conversationId":"c","message":"h\u0000i","value":"v","timestamp":1,"mood":[]}`,
			want: livechat.CanvasEvent{Kind: livechat.CanvasAsked, Conversation: "c", Text: "hi", Value: "v"},
		},
		"typing": {body: `{"event":"typing","conversationId":"c"}`, want: livechat.CanvasEvent{Kind: livechat.CanvasTyping, Conversation: "c"}},
		"returned": {
			body: `{"event":"returned","conversationId":"c","pending":["one"," ","two"],"reason":"r","summary":"s","message":"not this"}`,
			want: livechat.CanvasEvent{Kind: livechat.CanvasReturned, Conversation: "c", Pending: []string{"one", "two"}, Reason: "r", Summary: "s"},
		},
		"ended":           {body: `{"event":"ended","conversationId":"c","reason":"r"}`, want: livechat.CanvasEvent{Kind: livechat.CanvasEnded, Conversation: "c", Reason: "r"}},
		"another event":   {body: `{"event":"message","conversationId":"c","message":"x"}`},
		"no conversation": {body: `{"event":"asked","message":"x"}`, field: "conversationId"},
		"no words":        {body: `{"event":"asked","conversationId":"c","message":" "}`, field: "message"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := (&contoso.Adapter{}).ParseCanvas([]byte(row.body))
			var want []livechat.CanvasEvent
			if row.want.Kind != "" {
				want = append(want, row.want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			invalid, ok := err.(*livechat.InvalidError) //nolint:errorlint // it is returned as it is
			if ok != (row.field != "") || ok && invalid.Field != row.field {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func FuzzParseCanvas(f *testing.F) {
	f.Add([]byte(`{"Event":"asked","ConversationId":"c","Message":"hi","User":{"id":"\u0000"}}`))
	f.Add([]byte(`{"event":"returned","conversationId":"c","pending":["\u0000"],"timestamp":[1]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := (&contoso.Adapter{}).ParseCanvas(body)
		if err != nil && len(events) > 0 {
			t.Error("events and an error")
		}
		for _, e := range events {
			if strings.ContainsRune(fmt.Sprintf("%v", e), 0) || e.Conversation == "" {
				t.Errorf("let through %+v", e)
			}
		}
	})
}
