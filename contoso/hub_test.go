package contoso_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// patience bounds every wait of these tests.
const patience = time.Minute

// A hub is a running Contoso Live Chat and its address.
type hub struct {
	url  string
	stop func() // ends it and waits; may be called again
}

// run starts an app on loopback. Without a webhook URL, webhooks go to a port
// where nobody listens.
func run(tb testing.TB, db *pgxpool.Pool, config contoso.Config) hub {
	tb.Helper()
	return serve(tb, &contoso.App{DB: db, Config: config}, "127.0.0.1:0")
}

// serve runs an app at an address; it logs to the test's output unless it has a
// log.
func serve(tb testing.TB, app *contoso.App, address string) hub {
	tb.Helper()
	app.Log = cmp.Or(app.Log, slog.New(slog.NewTextHandler(tb.Output(), nil)))
	app.Config.WebhookURL = cmp.Or(app.Config.WebhookURL, "http://127.0.0.1:1/")
	var lc net.ListenConfig
	ln, err := lc.Listen(tb.Context(), "tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, ln); close(ended) }()
	stop := func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				tb.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			tb.Error("run did not end")
		}
	}
	tb.Cleanup(stop)
	return hub{url: "http://" + ln.Addr().String(), stop: stop}
}

// A call is one request; answer is what came back.
type call struct {
	method string // POST if empty
	path   string
	body   string
	header http.Header
}

type answer struct {
	status int
	text   string
}

func (h hub) do(tb testing.TB, c call) answer {
	tb.Helper()
	return h.doAs(tb, http.DefaultClient, c)
}

func (h hub) doAs(tb testing.TB, client *http.Client, c call) answer {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, cmp.Or(c.method, http.MethodPost), h.url+c.path, bytes.NewBufferString(c.body))
	if err != nil {
		tb.Fatal(err)
	}
	maps.Copy(req.Header, c.header)
	req.Host = cmp.Or(c.header.Get("Host"), req.Host)
	resp, err := client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return answer{status: resp.StatusCode, text: string(text)}
}

// ok makes a call that must succeed and decodes its answer.
func (h hub) ok(tb testing.TB, c call, out any) {
	tb.Helper()
	got := h.do(tb, c)
	if got.status/100 != 2 {
		tb.Fatalf("%s: status %d %s", c.path, got.status, got.text)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(got.text), out); err != nil {
		tb.Fatalf("%s: %v in %s", c.path, err, got.text)
	}
}

// open starts a conversation with what the body says and returns its id.
func (h hub) open(tb testing.TB, body string) string {
	tb.Helper()
	var out struct {
		ConversationID string `json:"conversationId"`
	}
	h.ok(tb, call{path: "/api/chat/start", body: body}, &out)
	if out.ConversationID == "" {
		tb.Fatal("start: no conversationId")
	}
	return out.ConversationID
}

// say sends an agent's words over the API and returns the line's id.
func (h hub) say(tb testing.TB, conversation, text string) string {
	tb.Helper()
	var out struct {
		MessageID string `json:"messageId"`
	}
	h.ok(tb, call{path: "/api/chat/send", body: jsonOf(tb, map[string]string{
		"conversationId": conversation, "message": text, "sender": "Ana",
	})}, &out)
	return out.MessageID
}

// hear delivers the user's words over the API.
func (h hub) hear(tb testing.TB, conversation, text string) {
	tb.Helper()
	h.ok(tb, call{path: "/api/chat/receive", body: jsonOf(tb, map[string]string{
		"conversationId": conversation, "message": text, "sender": "Alex Wilber",
	})}, nil)
}

// A said is a line as GET /api/chat/messages returns it.
type said struct {
	ConversationID, ID, Message, Sender, From, State, Event, Reason string
	Timestamp                                                       time.Time
	Sequence                                                        int64
	Attachments                                                     []link
}

func (h hub) messages(tb testing.TB, query string) []said {
	tb.Helper()
	var out []said
	h.ok(tb, call{method: http.MethodGet, path: "/api/chat/messages" + query}, &out)
	return out
}

func replaceID(body, id string) string { return strings.ReplaceAll(body, `"ID"`, `"`+id+`"`) }

func decode(got answer, out any) error { return json.Unmarshal([]byte(got.text), out) }

func jsonOf(tb testing.TB, v any) string {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// eventually waits until the condition holds.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatalf("waited in vain for %s", what)
		}
	}
}
