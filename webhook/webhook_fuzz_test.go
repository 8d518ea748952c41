package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/internal/bridgetest"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/livechat/contoso"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
	"github.com/liaison-skill/liaison/webhook"
)

const (
	fuzzedBody   = 16 << 10 // bytes
	fuzzedSecret = "a secret of the fuzzed hub"
)

// startBridge runs a bridge between the hub "contoso", which has the conversation
// "open" with a user of the sandbox, and that sandbox.
func startBridge(tb testing.TB) (*bridge.Bridge, *pgxpool.Pool) {
	tb.Helper()
	s := sandboxtest.Start(tb, sandbox.Config{})
	cfg := bridgetest.Config(tb, s)
	b, pool := bridgetest.Start(tb, cfg, &contoso.Adapter{HTTP: http.DefaultClient, URL: "http://127.0.0.1:0"})
	user := proactive.Target{ServiceURL: cfg.Auth.ConnectorURL, ChannelID: "msteams"}
	user.Conversation.ID = s.User("Ada").Conversation()
	m, _, err := mapping.Reserve(tb.Context(), pool, mapping.Mapping{
		Key: mapping.Key{BotAppID: "bot", Conversation: user.Conversation.ID}, Hub: "contoso", Teams: user,
	})
	if err != nil {
		tb.Fatal(err)
	}
	if err := mapping.Opened(tb.Context(), pool, m.ID, "open", livechat.QueueState{}); err != nil {
		tb.Fatal(err)
	}
	return b, pool
}

func fuzzedDoor(b *bridge.Bridge) http.Handler {
	log := slog.New(slog.DiscardHandler)
	r := web.NewEngine(log)
	h := &webhook.Handler{
		Bridge: b, Hubs: map[string]livechat.Reader{"contoso": &contoso.Adapter{Secrets: []env.Secret{fuzzedSecret}}},
		Default: "contoso", Log: log, MaxBody: fuzzedBody,
	}
	h.Mount(r)
	return r
}

// knock posts a webhook from this very machine, which a hub with a secret gains
// nothing by.
func knock(tb testing.TB, h http.Handler, id, stamp, signature string, body []byte) *httptest.ResponseRecorder {
	tb.Helper()
	req := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/api/livechat/messages", bytes.NewReader(body))
	req.RemoteAddr = "127.0.0.1:4000"
	req.Header["Webhook-Id"], req.Header["Webhook-Timestamp"], req.Header["Webhook-Signature"] = []string{id}, []string{stamp}, []string{signature}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// FuzzReceive posts webhooks. A stranger's are refused before anything is done; a
// hub's are taken or refused, whatever they hold, and never break anything.
func FuzzReceive(f *testing.F) {
	b, pool := startBridge(f)
	door, bare := fuzzedDoor(b), fuzzedDoor(nil) // bare has no bridge: a request that gets as far panics
	for _, body := range []string{
		`{"conversationId":"open","id":"1","message":"hello","sender":"Bo"}`,
		`{"ConversationId":"open","Message":"a\u0000b\ud800","Sender":"B\u0000o","Timestamp":"never"}`,
		`{"conversationId":"open","event":"joined","sender":"Bo"}`,
		`{"conversationId":"open","event":"ended"}`,
		`{"conversationId":"open","event":"typing"}`,
		`{"conversationId":"other","message":"hello"}`,
		`{"conversationId":"\u0000","message":"hello"}`,
		`{"conversationId":"open","message":" "}`,
		`{"conversationId":7}`, `[]`, ``,
	} {
		stamp := fmt.Sprint(time.Now().Unix())
		f.Add(true, "1", stamp, "", []byte(body))
		f.Add(false, "1", stamp, sign("1", stamp, []byte(body+" ")), []byte(body))
		f.Add(false, "1", stamp, sign("1", "0", []byte(body)), []byte(body))
		f.Add(false, "", "", "", []byte(body))
	}
	f.Fuzz(func(t *testing.T, known bool, id, stamp, signature string, body []byte) {
		if !known {
			if w := knock(t, bare, id, stamp, signature, body); w.Code != http.StatusUnauthorized && len(body) <= fuzzedBody {
				t.Fatalf("a stranger got status %d %s", w.Code, w.Body)
			}
			return
		}
		if _, err := pool.Exec(t.Context(), `UPDATE mapping SET state = 'active', closed_by = NULL, ended_at = NULL, closed_at = NULL`); err != nil {
			t.Fatal(err)
		}
		stamp = fmt.Sprint(time.Now().Unix())
		w := knock(t, door, "1", stamp, sign("1", stamp, body), body)
		for range 5 {
			if w.Code != http.StatusServiceUnavailable {
				break
			}
			w = knock(t, door, "1", stamp, sign("1", stamp, body), body) // a busy machine's database may be late
		}
		if !slices.Contains([]int{204, 400, 404, 409, 413}, w.Code) || w.Code == http.StatusNoContent && w.Body.Len() > 0 {
			t.Fatalf("status %d %q", w.Code, w.Body)
		}
		if (w.Code == http.StatusRequestEntityTooLarge) != (len(body) > fuzzedBody) {
			t.Fatalf("%d bytes: status %d", len(body), w.Code)
		}
	})
}

// sign is the signature header of Standard Webhooks.
func sign(id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(fuzzedSecret))
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
