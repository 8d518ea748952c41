package contoso_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestWebhook_tells_who_joined_what_was_said_and_the_end(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	line := h.say(t, id, `<b>"hi"</b>`)
	h.say(t, id, "again")
	h.ok(t, call{path: "/api/desk/conversations/" + id + "/end", body: `{"sender":"Ana","reason":"solved"}`}, nil)

	got := peer.wait(t, 4)
	want := []string{"joined:", `message:<b>"hi"</b>`, "message:again", "ended:"}
	if diff := cmp.Diff(want, peer.texts()); diff != "" {
		t.Error(diff)
	}
	for _, p := range got {
		if p.ConversationID != id || p.Sender != "Ana" || p.ID == "" || time.Since(p.Timestamp).Abs() > time.Minute {
			t.Errorf("got %+v", p)
		}
	}
	if got[1].ID != line || got[3].Reason != "solved" {
		t.Errorf("got id %s and reason %q, want %s and solved", got[1].ID, got[3].Reason, line)
	}
	// The contract's names, as a receiver that minds the case sees them.
	for _, name := range []string{`"ConversationId":`, `"Id":`, `"Message":`, `"Sender":`, `"Timestamp":`} {
		if !strings.Contains(got[1].raw, name) {
			t.Errorf("%s is missing in %s", name, got[1].raw)
		}
	}
	if got[0].header.Get("Webhook-Signature") != "" {
		t.Error("signed without a secret")
	}
	eventually(t, "both lines to be sent", func() bool {
		lines := h.messages(t, "?conversationId="+id)
		return lines[0].State == "sent" && lines[1].State == "sent"
	})
}

func TestWebhook_the_users_end_is_not_told(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{WebhookURL: peer.url})
	first, second := h.open(t, ""), h.open(t, "")
	h.ok(t, call{path: "/api/chat/end", body: jsonOf(t, map[string]string{"conversationId": first})}, nil)
	h.ok(t, call{path: "/api/desk/conversations/" + second + "/end", body: `{}`}, nil)
	h.ok(t, call{path: "/api/desk/conversations/" + second + "/end", body: `{}`}, nil)
	allTold(t, db)
	var ended []string
	for _, p := range peer.all() {
		if p.Event == "ended" {
			ended = append(ended, p.ConversationID)
		}
	}
	if diff := cmp.Diff([]string{second}, ended); diff != "" {
		t.Error(diff)
	}
}

func TestWebhook_retries_in_order(t *testing.T) {
	t.Parallel()
	peer := receive(t, func(n int, _ posted, w http.ResponseWriter) {
		switch n {
		case 2:
			w.WriteHeader(http.StatusInternalServerError)
		case 4:
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
		case 6:
			panic(http.ErrAbortHandler) // the connection breaks
		case 8:
			w.WriteHeader(http.StatusNotFound) // final
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	})
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	for _, text := range []string{"1", "2", "3", "4", "5"} {
		h.say(t, id, text)
	}
	got := peer.wait(t, 9)
	want := []string{
		"joined:", "message:1", "message:1", "message:2", "message:2", "message:3", "message:3", "message:4", "message:5",
	}
	if diff := cmp.Diff(want, peer.texts()); diff != "" {
		t.Error(diff)
	}
	if got[1].ID != got[2].ID || got[1].header.Get("Webhook-Id") != got[1].ID {
		t.Error("a repetition must carry the same id, in the body and the header")
	}
	if pause := got[2].at.Sub(got[1].at); pause < 450*time.Millisecond {
		t.Errorf("came back after %v, want a back-off of half a second", pause)
	}
	if pause := got[4].at.Sub(got[3].at); pause < 1900*time.Millisecond {
		t.Errorf("came back after %v, want the 2 s that were asked for", pause)
	}
	states := func() (states []string) {
		for _, l := range h.messages(t, "?conversationId="+id) {
			states = append(states, l.State)
		}
		return states
	}
	eventually(t, "the last line to be sent", func() bool { return states()[4] == "sent" })
	if diff := cmp.Diff([]string{"sent", "sent", "sent", "failed", "sent"}, states()); diff != "" {
		t.Error(diff)
	}
	var thread struct {
		Lines []struct{ Message, Failure string }
	}
	h.ok(t, call{method: "GET", path: "/api/desk/conversations/" + id}, &thread)
	if l := thread.Lines[4]; l.Message != "4" || l.Failure != "status 404" {
		t.Errorf("got %+v, want line 4 with its reason", l)
	}
}

func TestWebhook_a_slow_conversation_does_not_hold_up_others(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	peer := receive(t, func(_ int, p posted, w http.ResponseWriter) {
		if p.Message == "slow" {
			<-release
		}
		w.WriteHeader(http.StatusNoContent)
	})
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	slow := h.open(t, "")
	h.say(t, slow, "slow")
	h.say(t, slow, "after")
	eventually(t, "the slow one to hang", func() bool { return slices.Contains(peer.texts(), "message:slow") })
	other := h.open(t, "")
	h.say(t, other, "quick")
	eventually(t, "the other conversation", func() bool { return slices.Contains(peer.texts(), "message:quick") })
	if slices.Contains(peer.texts(), "message:after") {
		t.Error("the slow conversation's next line did not wait for its turn")
	}
	close(release)
	eventually(t, "the next line", func() bool { return slices.Contains(peer.texts(), "message:after") })
}

// Ten agents write into five conversations while two processes send.
func TestWebhook_one_at_a_time_and_in_order_under_load(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	db := pgtest.DB(t, contoso.Schema())
	hubs := []hub{
		run(t, db, contoso.Config{WebhookURL: peer.url}),
		run(t, db, contoso.Config{WebhookURL: peer.url}),
	}
	var ids []string
	for range 5 {
		ids = append(ids, hubs[0].open(t, ""))
	}
	const each = 10
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			for n := range each {
				hubs[n%2].say(t, ids[i%5], string(rune('a'+i)))
			}
		})
	}
	wg.Wait()
	got := peer.wait(t, 5+10*each)
	if len(got) != 5+10*each || peer.twice {
		t.Errorf("got %d webhooks (overlapping: %v), want %d, one at a time", len(got), peer.twice, 5+10*each)
	}
	for _, id := range ids {
		var sent, stored []string
		for _, p := range got {
			if p.ConversationID == id && p.Event == "message" {
				sent = append(sent, p.ID)
			}
		}
		for _, l := range hubs[0].messages(t, "?conversationId="+id) {
			stored = append(stored, l.ID)
		}
		if diff := cmp.Diff(stored, sent); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWebhook_is_signed_with_every_secret(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	secrets := "whsec_" + base64.StdEncoding.EncodeToString(key) + ", plain text"
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url, WebhookSecret: env.Secret(secrets)})
	h.say(t, h.open(t, ""), "héllo <&>")

	for _, p := range peer.wait(t, 2) {
		content := p.header.Get("Webhook-Id") + "." + p.header.Get("Webhook-Timestamp") + "." + p.raw
		var want []string
		for _, k := range [][]byte{key, []byte("plain text")} {
			mac := hmac.New(sha256.New, k)
			mac.Write([]byte(content))
			want = append(want, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		}
		if diff := cmp.Diff(strings.Join(want, " "), p.header.Get("Webhook-Signature")); diff != "" {
			t.Error(diff)
		}
	}
}
