package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/livechat/contoso"
)

// TestWirePosts speaks with a server of net/http.
func TestWirePosts(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 2)
	bodies := make(chan string, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- r
		bodies <- string(body)
		if strings.Contains(string(body), "refuse") {
			http.Error(w, "no", http.StatusTeapot)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(srv.Close)
	w, err := dial(t.Context(), srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer w.conn.Close()
	for body, want := range map[string]int{`{"a":1}`: http.StatusNoContent, "refuse": http.StatusTeapot} {
		s := newSpeaker("host", "token", nil)
		s.body = []byte(body)
		status, err := w.post(s.post("/path", "Authorization: Bearer x\r\n"))
		if err != nil || status != want {
			t.Fatalf("status %d, %v, want %d", status, err, want)
		}
		if r := <-seen; r.URL.Path != "/path" || r.Header.Get("Authorization") != "Bearer x" || <-bodies != body {
			t.Errorf("the server saw %s %v", r.URL, r.Header)
		}
	}
}

func startPeers(tb testing.TB, people int) *peers {
	tb.Helper()
	p, err := listenPeers(tb.Context(), people)
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.run(tb.Context()) }()
	tb.Cleanup(func() {
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return p
}

// TestPeersAnswer has net/http's client speak with the peers.
func TestPeersAnswer(t *testing.T) {
	t.Parallel()
	p := startPeers(t, 10)
	tl := newTally(3, 4)
	p.tally.Store(tl)
	post := func(path, body, key string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			req.Header.Set("Authorization", key)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(answer)
	}
	for _, row := range []struct {
		path, body, key string
		status          int
		answer          string
	}{
		{"/api/chat/start", `{"user":{"id":"` + objectIDPrefix + `000000000007"}}`, "k", 200, `{"conversationId":"hub-1"}`},
		{"/api/chat/receive", `{"message":"number3x0z hello"}`, "k", 200, `{}`},
		{"/teams/v3/conversations/a/activities", `{"text":"**A**: number3x1z"}`, "k", 201, `{"id":"1795207924802"}`},
		{"/pvaruntime/v3/conversations/a/activities/3x2", `{}`, "k", 200, `{"id":"1795207924802"}`},
		{"/api/chat/receive", `{"message":"number2x3z of another run"}`, "k", 200, `{}`},
		{"/api/chat/receive", `{"message":"number3x3z"}`, "", 401, ``},
	} {
		if status, answer := post(row.path, row.body, row.key); status != row.status || answer != row.answer {
			t.Errorf("%s: %d %s, want %d %s", row.path, status, answer, row.status, row.answer)
		}
	}
	if p.hub[7].Load() != 1 || tl.arrivals.Load() != 3 || p.strange.Load() != 1 || p.refused.Load() != 1 {
		t.Errorf("hub %d, %d arrivals, %d strange, %d refused", p.hub[7].Load(), tl.arrivals.Load(), p.strange.Load(), p.refused.Load())
	}
}

func TestWireRefusesBodiesWithoutALength(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	go func() { _, _ = there.Write([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")) }()
	if err := newWire(here).read(); err == nil {
		t.Error("read a body of unknown length")
	}
}

// TestWords reads what is said with the service's own readers.
func TestWords(t *testing.T) {
	t.Parallel()
	p := &peers{hub: make([]atomic.Int64, 10)}
	var err error
	if p.ln, err = listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.ln.Close()
	p.hub[4].Store(44)
	s := newSpeaker("host", "token", p)
	for kind, want := range map[kind]string{userSays: "message/", userStarts: "event/startConversation", userEnds: "event/endConversation"} {
		a, err := activity.Decode(bodyOf(s.request(kind, 4, 1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Type + "/" + a.Name; got != want || a.ID != "1x2" || a.Tenant() != tenantID {
			t.Errorf("activity is %s %s of %s, want %s", got, a.ID, a.Tenant(), want)
		}
	}
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(s.request(agentSays, 4, 1, 3))))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil || !json.Valid(body) {
		t.Fatalf("body %s, %v", body, err)
	}
	hub := &contoso.Adapter{Secrets: []env.Secret{webhookSecret}}
	if err := hub.Verify(req.Header, body, time.Now()); err != nil {
		t.Error(err)
	}
	events, err := hub.Parse(body)
	if err != nil || len(events) != 1 || events[0].Kind != livechat.KindMessage || events[0].Conversation != "hub-44" {
		t.Errorf("events %+v, %v", events, err)
	}
}

func bodyOf(request []byte) []byte {
	_, body, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	return body
}
