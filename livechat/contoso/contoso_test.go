package contoso_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
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
	posts := make(chan livechattest.Post, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		header := http.Header{}
		for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
			header.Set(name, r.Header.Get(name))
		}
		posts <- livechattest.Post{Header: header, Body: body}
	}))
	tb.Cleanup(receiver.Close)

	app := &hub.App{
		DB: pgtest.DB(tb, hub.Schema()), Log: slog.New(slog.NewTextHandler(tb.Output(), nil)),
		Config: hub.Config{WebhookURL: receiver.URL, WebhookSecret: secret, APIKey: apiKey},
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

	at := func(u string) livechat.Adapter {
		return &contoso.Adapter{
			HTTP: jsonhttp.NewClient(5*time.Second, http.DefaultTransport), URL: u,
			Header: http.Header{"X-Api-Key": {apiKey}}, Secrets: []env.Secret{"whsec_b2xkLW9uZQ==", secret},
		}
	}
	base := "http://" + ln.Addr().String()
	return livechattest.Hub{
		Adapter: at(base), At: at, Secrets: []string{apiKey, secret},
		Lines: func(tb testing.TB, c livechat.ConversationID) []string {
			tb.Helper()
			return lines(tb, base, c)
		},
		Say: func(tb testing.TB, c livechat.ConversationID, agent, text string) {
			tb.Helper()
			desk(tb, base, "/api/desk/conversations/"+url.PathEscape(string(c))+"/messages", map[string]string{"message": text, "sender": agent})
		},
		End: func(tb testing.TB, c livechat.ConversationID, agent string) {
			tb.Helper()
			desk(tb, base, "/api/desk/conversations/"+url.PathEscape(string(c))+"/end", map[string]string{"sender": agent})
		},
		Webhook: func(tb testing.TB) livechattest.Post {
			tb.Helper()
			select {
			case p := <-posts:
				return p
			case <-time.After(10 * time.Second):
				tb.Fatal("the hub posted nothing")
				return livechattest.Post{}
			}
		},
	}
}

// lines is what the contract's own message list shows of the user's words.
func lines(tb testing.TB, base string, c livechat.ConversationID) []string {
	tb.Helper()
	var got []struct{ Message, From string }
	err := jsonhttp.Do(tb.Context(), http.DefaultClient, jsonhttp.Request{
		Method: http.MethodGet, URL: base + "/api/chat/messages?conversationId=" + url.QueryEscape(string(c)),
		Header: http.Header{"X-Api-Key": {apiKey}}, Out: &got,
	})
	if err != nil {
		tb.Fatal(err)
	}
	var texts []string
	for _, l := range got {
		if l.From == "user" {
			texts = append(texts, l.Message)
		}
	}
	return texts
}

func desk(tb testing.TB, base, path string, body any) {
	tb.Helper()
	if err := jsonhttp.Do(tb.Context(), http.DefaultClient, jsonhttp.Request{URL: base + path, In: body}); err != nil {
		tb.Fatal(err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	a := &contoso.Adapter{}
	words := livechat.Inbound{Kind: livechat.KindMessage, Conversation: "c", Sender: "Bo", Text: "hi"}
	withID := words
	withID.ID, withID.At = "m1", time.Date(2026, 11, 20, 20, 52, 4, 0, time.UTC)
	for name, row := range map[string]struct {
		body  string
		want  []livechat.Inbound
		field string // of the error
	}{
		"documented":          {body: `{"conversationId":"c","message":"hi","sender":"Bo"}`, want: []livechat.Inbound{words}},
		"PascalCase":          {body: `{"ConversationId":"c","Id":"m1","Message":"hi","Sender":"Bo","Timestamp":"2026-11-20T20:52:04Z"}`, want: []livechat.Inbound{withID}},
		"odd timestamp":       {body: `{"conversationId":"c","message":"hi","sender":"Bo","timestamp":17}`, want: []livechat.Inbound{words}},
		"unknown members":     {body: `{"conversationId":"c","message":"hi","sender":"Bo","mood":{"x":[1]}}`, want: []livechat.Inbound{words}},
		"joined":              {body: `{"conversationId":"c","event":"joined","sender":"Bo"}`, want: []livechat.Inbound{{Kind: livechat.KindJoined, Conversation: "c", Sender: "Bo"}}},
		"ended":               {body: `{"conversationId":"c","event":"ENDED"}`, want: []livechat.Inbound{{Kind: livechat.KindEnded, Conversation: "c"}}},
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
			if (err != nil) != (row.want == nil && row.body != `{"conversationId":"c","event":"survey","message":"x"}`) {
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
			if e.Conversation == "" || bytes.ContainsRune([]byte(e.Text), 0) || e.Kind == livechat.KindMessage && e.Text == "" {
				t.Errorf("let through %+v", e)
			}
			if _, err := json.Marshal(e); err != nil {
				t.Error(err)
			}
		}
	})
}
