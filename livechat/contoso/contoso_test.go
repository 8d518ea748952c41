package contoso_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	hub "github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/livechat/contoso"
	"github.com/liaison-skill/liaison/livechat/livechattest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	apiKey = "key-canary-7f3a"
	secret = "whsec_c2VjcmV0LWNhbmFyeS05MWIy"
)

func TestAdapter(t *testing.T) {
	t.Parallel()
	livechattest.Run(t, start)
}

// start runs Contoso and returns it with its adapter.
func start(tb testing.TB) livechattest.Hub {
	tb.Helper()
	return startWith(tb, hub.Config{})
}

// startWith is start with settings of the hub's.
func startWith(tb testing.TB, config hub.Config) livechattest.Hub {
	tb.Helper()
	url, posts := receiver(tb)
	config.WebhookURL, config.WebhookSecret, config.APIKey = url, secret, apiKey
	base := run(tb, config)
	at := func(url string) livechat.Adapter { return adapter(url) }
	return livechattest.Hub{
		Adapter: at(base), At: at, Secrets: []string{apiKey, secret},
		Lines: func(tb testing.TB, c livechat.ConversationID) []string {
			tb.Helper()
			return lines(tb, base, c)
		},
		Files: func(tb testing.TB, c livechat.ConversationID) []livechattest.Given {
			tb.Helper()
			return files(tb, base, c)
		},
		News: func(tb testing.TB, c livechat.ConversationID) []livechat.News {
			tb.Helper()
			return news(tb, base, c)
		},
		Say: func(tb testing.TB, c livechat.ConversationID, agent, text string) {
			tb.Helper()
			desk(tb, base, c, "/messages", map[string]string{"message": text, "sender": agent})
		},
		End: func(tb testing.TB, c livechat.ConversationID, agent string) {
			tb.Helper()
			desk(tb, base, c, "/end", map[string]string{"sender": agent})
		},
		Hands:   hands(base),
		Webhook: next(posts),
	}
}

// receiver takes what a hub posts.
func receiver(tb testing.TB) (string, <-chan livechattest.Post) {
	tb.Helper()
	posts := make(chan livechattest.Post, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		header := http.Header{}
		for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
			header.Set(name, r.Header.Get(name))
		}
		posts <- livechattest.Post{Header: header, Body: body}
	}))
	tb.Cleanup(server.Close)
	return server.URL, posts
}

func next(posts <-chan livechattest.Post) func(testing.TB) livechattest.Post {
	return func(tb testing.TB) livechattest.Post {
		tb.Helper()
		select {
		case p := <-posts:
			return p
		case <-time.After(time.Minute):
			tb.Fatal("the hub posted nothing")
			return livechattest.Post{}
		}
	}
}

// run runs Contoso and returns its address.
func run(tb testing.TB, config hub.Config) string {
	tb.Helper()
	app := &hub.App{
		DB: pgtest.DB(tb, hub.Schema()), Log: slog.New(slog.NewTextHandler(tb.Output(), nil)),
		Config: config,
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx, ln) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("contoso: %v", err)
		}
	})
	return "http://" + ln.Addr().String()
}

func adapter(url string) *contoso.Adapter {
	return &contoso.Adapter{
		HTTP: jsonhttp.NewClient(time.Minute, http.DefaultTransport), URL: url,
		Header: http.Header{"X-Api-Key": {apiKey}}, Secrets: []env.Secret{"whsec_b2xkLW9uZQ==", secret},
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	a := &contoso.Adapter{}
	words := livechat.Inbound{Kind: livechat.KindMessage, Conversation: "c", Sender: "Bo", Text: "hi"}
	withID := words
	withID.ID, withID.Message, withID.At = "m1", "m1", time.Date(2026, 11, 20, 20, 52, 4, 0, time.UTC)
	for name, row := range map[string]struct {
		body  string
		want  []livechat.Inbound
		field string // of the error
	}{
		"documented":      {body: `{"conversationId":"c","message":"hi","sender":"Bo"}`, want: []livechat.Inbound{words}},
		"PascalCase":      {body: `{"ConversationId":"c","Id":"m1","Message":"hi","Sender":"Bo","Timestamp":"2026-11-20T20:52:04Z"}`, want: []livechat.Inbound{withID}},
		"odd timestamp":   {body: `{"conversationId":"c","message":"hi","sender":"Bo","timestamp":17}`, want: []livechat.Inbound{words}},
		"unknown members": {body: `{"conversationId":"c","message":"hi","sender":"Bo","mood":{"x":[1]}}`, want: []livechat.Inbound{words}},
		"joined":          {body: `{"conversationId":"c","event":"joined","sender":"Bo"}`, want: []livechat.Inbound{{Kind: livechat.KindJoined, Conversation: "c", Sender: "Bo"}}},
		"ended":           {body: `{"conversationId":"c","event":"ENDED"}`, want: []livechat.Inbound{{Kind: livechat.KindEnded, Conversation: "c"}}},
		"edited": {
			body: `{"conversationId":"c","event":"edited","messageId":"m1","message":"hi","sender":"Bo","format":"HTML"}`,
			want: []livechat.Inbound{{Kind: livechat.KindEdited, Conversation: "c", Sender: "Bo", Message: "m1", Text: "hi", Format: livechat.HTML}},
		},
		"deleted": {
			body: `{"conversationId":"c","event":"deleted","messageId":"m1","message":"not this","sender":"Bo"}`,
			want: []livechat.Inbound{{Kind: livechat.KindDeleted, Conversation: "c", Sender: "Bo", Message: "m1"}},
		},
		"edited, but not what":    {body: `{"conversationId":"c","event":"edited","message":"hi"}`, field: "messageId"},
		"deleted, but not what":   {body: `{"conversationId":"c","event":"deleted"}`, field: "messageId"},
		"edited to nothing":       {body: `{"conversationId":"c","event":"edited","messageId":"m1","message":" "}`, field: "message"},
		"queued":                  {body: `{"conversationId":"c","event":"queued","position":3,"waitSeconds":90}`, want: []livechat.Inbound{{Kind: livechat.KindQueued, Conversation: "c", Queue: &livechat.QueueState{Position: 3, Wait: 90 * time.Second}}}},
		"queued, nobody knows at": {body: `{"conversationId":"c","event":"queued"}`, want: []livechat.Inbound{{Kind: livechat.KindQueued, Conversation: "c"}}},
		"transferred":             {body: `{"conversationId":"c","event":"transferred","sender":"Bo","to":"Cy","note":"private"}`, want: []livechat.Inbound{{Kind: livechat.KindTransferred, Conversation: "c", Sender: "Bo", To: "Cy"}}},
		"ended with words": {
			body: `{"conversationId":"c","event":"ended","sender":"Bo","reason":"r","summary":"s","message":"not this"}`,
			want: []livechat.Inbound{{Kind: livechat.KindEnded, Conversation: "c", Sender: "Bo", Reason: "r", Summary: "s"}},
		},
		"a file": {
			body: `{"conversationId":"c","id":"m1","sender":"Bo","attachments":[{"id":"f","name":"a.txt","contentType":"text/plain","size":3,"url":"https://hub/f"}]}`,
			want: []livechat.Inbound{{
				Kind: livechat.KindMessage, ID: "m1", Message: "m1", Conversation: "c", Sender: "Bo",
				Files: []livechat.FileLink{{ID: "f", Name: "a.txt", ContentType: "text/plain", Size: 3, URL: "https://hub/f"}},
			}},
		},
		"an event of its own": {body: `{"conversationId":"c","event":"survey","message":"x"}`},
		"no conversation":     {body: `{"message":"hi"}`, field: "conversationId"},
		"empty text":          {body: `{"conversationId":"c","message":" \n","sender":"Bo"}`, field: "message"},
		"wrong type":          {body: `{"conversationId":"c","message":{}}`, field: ""},
		"U+0000":              {body: `{"conversationId":"c","message":"h\u0000i","sender":"Bo"}`, want: []livechat.Inbound{words}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := a.Parse([]byte(row.body))
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			invalid, ok := errors.AsType[*livechat.InvalidError](err)
			if ok && invalid.Field != row.field || ok != (row.want == nil && name != "an event of its own") {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"ConversationId":"c","Id":"m1","Message":"hi","Sender":"Bo"}`))
	f.Add([]byte(`{"conversationId":"\u0000","event":"ended"}`)) // was let through, as a conversation without a name
	f.Add([]byte(`{"conversationId":"c\u0000","message":"\u0000","timestamp":[1]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := (&contoso.Adapter{}).Parse(body)
		if err != nil && len(events) > 0 {
			t.Error("events and an error")
		}
		for _, e := range events {
			if e.Conversation == "" || bytes.ContainsRune([]byte(e.Text), 0) || e.Kind == livechat.KindMessage && e.Text == "" && len(e.Files) == 0 {
				t.Errorf("let through %+v", e)
			}
			if _, err := json.Marshal(e); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestQueued_is_told_when_a_place_changes(t *testing.T) {
	t.Parallel()
	h := startWith(t, hub.Config{QueueNews: 20 * time.Millisecond})
	var ids []livechat.ConversationID
	for _, key := range []string{"a", "b"} {
		id, err := h.Adapter.Open(t.Context(), livechat.Opening{Key: key, Queue: "printers", Priority: 1})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	told := map[livechat.ConversationID]int{}
	hear := func(until int) {
		t.Helper()
		for told[ids[1]] != until {
			events, err := h.Adapter.Parse(h.Webhook(t).Body)
			if err != nil {
				t.Fatal(err)
			}
			if e := events[0]; e.Kind == livechat.KindQueued {
				told[e.Conversation] = e.Queue.Position
			}
		}
	}
	hear(2)
	h.Say(t, ids[0], "Bo", "hello")
	hear(1)
}

func TestAttach_what_was_damaged_on_the_way_is_refused(t *testing.T) {
	t.Parallel()
	h := start(t)
	id, err := h.Adapter.Open(t.Context(), livechat.Opening{Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	f := livechat.File{
		Key: "1", Name: "a.txt", ContentType: "text/plain", Size: 5, SHA256: strings.Repeat("0", 64),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil },
	}
	attach := h.Adapter.(livechat.Attach)
	if err := attach.Attach(t.Context(), id, f); err == nil {
		t.Error("content that does not match its sum was taken")
	}
	f.Size = 6 // the file is shorter than was said
	if err := attach.Attach(t.Context(), id, f); err == nil {
		t.Error("half a file was taken")
	}
	if got := h.Files(t, id); len(got) > 0 {
		t.Errorf("the agent sees %v", got)
	}
	want := errors.New("gone")
	f.Open = func() (io.ReadCloser, error) { return nil, want }
	if err := attach.Attach(t.Context(), id, f); !errors.Is(err, want) {
		t.Errorf("got %v, want the file's own error", err)
	}
}
