package contoso_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestLogs_hold_no_words_and_no_secrets(t *testing.T) {
	t.Parallel()
	peer := receive(t, func(_ int, _ posted, w http.ResponseWriter) { http.Error(w, "WORDS", http.StatusNotFound) })
	var logs lockedBuffer
	app := &contoso.App{
		DB:     pgtest.DB(t, contoso.Schema()),
		Log:    slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Config: contoso.Config{WebhookURL: peer.url + "/?code=SECRET", WebhookSecret: "SECRET"},
	}
	h := serve(t, app, "127.0.0.1:0")
	id := h.open(t, `{"problem":"WORDS","user":{"email":"WORDS"}}`)
	h.hear(t, id, "WORDS")
	h.say(t, id, "WORDS")
	h.do(t, call{path: "/api/chat/receive", body: `{"conversationId":"` + id + `","message":"WORDS\u0000"}`})
	h.do(t, call{path: "/api/chat/receive", body: `{"message":["WORDS"]}`})
	eventually(t, "the final answer to be logged", func() bool { return strings.Count(logs.text(), "webhook not delivered") == 2 })
	for _, bad := range []string{"WORDS", "SECRET"} {
		if strings.Contains(logs.text(), bad) {
			t.Errorf("the log holds %s: %s", bad, logs.text())
		}
	}
}

// A lockedBuffer may be read while others write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
