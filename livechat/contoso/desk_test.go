package contoso_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/livechat/livechattest"
)

// desk makes a call as the desk's page does.
func desk(tb testing.TB, base string, c livechat.ConversationID, path string, body any) {
	tb.Helper()
	call(tb, jsonhttp.Request{URL: base + conversation(c) + path, In: body})
}

func conversation(c livechat.ConversationID) string {
	return "/api/desk/conversations/" + url.PathEscape(string(c))
}

func call(tb testing.TB, r jsonhttp.Request) {
	tb.Helper()
	if err := jsonhttp.Do(tb.Context(), http.DefaultClient, r); err != nil {
		tb.Fatal(err)
	}
}

// hands are those of the agents at the desk.
func hands(base string) livechattest.Hands {
	type id = livechat.ConversationID
	return livechattest.Hands{
		Join:  func(tb testing.TB, c id, agent string) { tb.Helper(); desk(tb, base, c, "/join", by(agent)) },
		Leave: func(tb testing.TB, c id, agent string) { tb.Helper(); desk(tb, base, c, "/leave", by(agent)) },
		Type: func(tb testing.TB, c id, agent string) {
			tb.Helper()
			settled(tb, base, c) // who types behind words on their way is not told
			desk(tb, base, c, "/typing", by(agent))
		},
		Transfer: func(tb testing.TB, c id, agent, to string) {
			tb.Helper()
			desk(tb, base, c, "/transfer", map[string]string{"sender": agent, "agent": to, "note": "among us"})
		},
		Give: func(tb testing.TB, c id, agent string, f livechattest.Given) {
			tb.Helper()
			query := url.Values{"sender": {agent}, "name": {f.Name}}
			call(tb, jsonhttp.Request{
				URL: base + conversation(c) + "/files?" + query.Encode(), Content: strings.NewReader(f.Content),
				Header: http.Header{"Content-Type": {f.ContentType}},
			})
		},
		Edit: func(tb testing.TB, c id, message, text string) {
			tb.Helper()
			call(tb, jsonhttp.Request{
				Method: http.MethodPut, URL: base + conversation(c) + "/messages/" + message, In: map[string]string{"message": text},
			})
		},
		Delete: func(tb testing.TB, c id, message string) {
			tb.Helper()
			call(tb, jsonhttp.Request{Method: http.MethodDelete, URL: base + conversation(c) + "/messages/" + message})
		},
		Conclude: func(tb testing.TB, c id, agent, reason, summary string) {
			tb.Helper()
			desk(tb, base, c, "/end", map[string]string{"sender": agent, "reason": reason, "summary": summary})
		},
	}
}

func by(agent string) map[string]string { return map[string]string{"sender": agent} }

// A shown is a line of the contract's own message list.
type shown struct {
	ID, Message, From, State string
	Report, ReportReason     string
	Attachments              []struct{ Name, ContentType, URL string }
}

func messages(tb testing.TB, base string, c livechat.ConversationID) (all []shown) {
	tb.Helper()
	call(tb, jsonhttp.Request{
		Method: http.MethodGet, URL: base + "/api/chat/messages?conversationId=" + url.QueryEscape(string(c)),
		Header: http.Header{"X-Api-Key": {apiKey}}, Out: &all,
	})
	return all
}

// settled waits until all webhooks of a conversation are sent.
func settled(tb testing.TB, base string, c livechat.ConversationID) {
	tb.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for slices.ContainsFunc(messages(tb, base, c), func(l shown) bool { return l.State == "queued" }) {
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatal("a webhook stays queued")
		}
	}
}

// lines is what it shows of the user's words.
func lines(tb testing.TB, base string, c livechat.ConversationID) (texts []string) {
	tb.Helper()
	for _, l := range messages(tb, base, c) {
		if l.From == "user" {
			texts = append(texts, l.Message)
		}
	}
	return texts
}

// news is what it shows of reports.
func news(tb testing.TB, base string, c livechat.ConversationID) (all []livechat.News) {
	tb.Helper()
	for _, l := range messages(tb, base, c) {
		if l.Report != "" {
			all = append(all, livechat.News{Kind: livechat.NewsKind(l.Report), Message: l.ID, Reason: l.ReportReason})
		}
	}
	var stands struct{ Unreachable bool }
	call(tb, jsonhttp.Request{
		Method: http.MethodGet, URL: base + "/api/chat/conversations/" + url.PathEscape(string(c)),
		Header: http.Header{"X-Api-Key": {apiKey}}, Out: &stands,
	})
	if stands.Unreachable {
		all = append(all, livechat.News{Kind: livechat.NewsUnreachable})
	}
	return all
}

// files are what it shows of the user's files, with their content.
func files(tb testing.TB, base string, c livechat.ConversationID) (all []livechattest.Given) {
	tb.Helper()
	for _, l := range messages(tb, base, c) {
		for _, f := range l.Attachments {
			req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, f.URL, http.NoBody)
			if err != nil {
				tb.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				tb.Fatal(err)
			}
			content, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				tb.Fatalf("status %d, %v", resp.StatusCode, err)
			}
			all = append(all, livechattest.Given{Name: f.Name, ContentType: f.ContentType, Content: string(content)})
		}
	}
	return all
}
