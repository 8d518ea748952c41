package chaos

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// An incarnation is one life of a replica.
type incarnation struct {
	replica string
	life    int
}

func (i incarnation) String() string { return fmt.Sprintf("%s.%d", i.replica, i.life) }

// A stage is where in an attempt a trap closes.
type stage int

// The stages.
const (
	beforeDone  stage = iota // the peer has the request and has not acted on it
	afterDone                // the peer has acted, and not answered
	afterAnswer              // the answer is out
	stages
)

func (s stage) String() string {
	return [stages]string{"before the peer acts", "before the peer answers", "after the answer"}[s]
}

// A trap kills a replica in the middle of an attempt.
type trap struct {
	by     incarnation
	leg    leg
	stage  stage
	spring func()
}

// A network carries every request of the service to its peers. It is the peers'
// server, and the proxy through which replicas reach them: so it knows which
// replica sent what.
type network struct {
	url      string // of the server
	hub      http.Handler
	sandbox  http.Handler
	weather  *weather
	history  *history
	patience time.Duration // of the service, for one attempt
	over     chan struct{} // closed: nobody hangs any more

	mu       sync.Mutex
	traps    []trap
	inFlight map[incarnation]int
	latest   map[incarnation]time.Time
	strange  []string // requests that came from nobody we know
}

func newNetwork(tb testing.TB, w *weather, h *history, patience time.Duration) *network {
	tb.Helper()
	n := &network{
		weather: w, history: h, patience: patience, over: make(chan struct{}),
		inFlight: map[incarnation]int{}, latest: map[incarnation]time.Time{},
	}
	server := httptest.NewServer(n)
	n.url = server.URL
	tb.Cleanup(server.Close)
	tb.Cleanup(func() { close(n.over) })
	return n
}

// proxied is the server's URL for replicas. Go asks no proxy about loopback,
// which it knows by the name "localhost" in small letters, or by its address.
func (n *network) proxied() string {
	return "http://LOCALHOST:" + n.url[strings.LastIndexByte(n.url, ':')+1:]
}

// environment makes a life of a replica use the network.
func (n *network) environment(i incarnation) []string {
	proxy := strings.Replace(n.url, "http://", "http://"+i.String()+":x@", 1)
	return []string{"HTTP_PROXY=" + proxy, "http_proxy=" + proxy, "NO_PROXY=", "no_proxy="}
}

// sender reads from whom a request is. What is not proxied has no sender.
func sender(r *http.Request) incarnation {
	encoded := strings.TrimPrefix(r.Header.Get("Proxy-Authorization"), "Basic ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return incarnation{}
	}
	name, _, _ := strings.Cut(string(decoded), ":")
	var i incarnation
	at := strings.LastIndexByte(name, '.')
	if at < 0 {
		return i
	}
	i.replica = name[:at]
	if _, err := fmt.Sscan(name[at+1:], &i.life); err != nil {
		return incarnation{}
	}
	return i
}

func legOf(path string) leg {
	switch {
	case strings.HasPrefix(path, "/api/chat/"):
		return legHub
	case strings.HasPrefix(path, "/teams/"):
		return legTeams
	case strings.HasPrefix(path, "/pvaruntime/"):
		return legHost
	}
	return legEntra
}

// ServeHTTP carries one request.
func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l := legOf(r.URL.Path)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever sent it was killed over it
	}
	by := sender(r)
	if l == legHub && r.Method == http.MethodGet { // a question changes nothing, and is nobody's word
		answer := n.ask(r, l, body)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		return
	}
	id, known := findWord(string(body))
	known = known && (l == legHub && id.to == toHub || l == legTeams && id.to == toTeams)
	a := &arrival{word: id, by: by, at: time.Now(), fault: n.weather.draw(l, by)}
	if a.fault == refusal && !known {
		a.fault = fine // a peer that refuses to end what it began keeps it for ever
	}
	if (l == legHub || l == legTeams) && by.life == 0 {
		n.mu.Lock()
		n.strange = append(n.strange, r.Method+" "+r.URL.Path)
		n.mu.Unlock()
	}
	if !known {
		a.word = wordID{}
		a.call = l.String() + " " + r.URL.Path + " " + string(body[:min(len(body), 100)])
	}
	n.enter(a)
	n.carry(w, r, l, body, a)
	n.leave(a)
	if known || l == legHub {
		n.record(a)
	}
}

func (n *network) enter(a *arrival) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inFlight[a.by]++
	n.latest[a.by] = a.at
}

func (n *network) leave(a *arrival) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inFlight[a.by]--
}

func (n *network) record(a *arrival) {
	n.history.mu.Lock()
	defer n.history.mu.Unlock()
	a.over = time.Now()
	n.history.arrivals = append(n.history.arrivals, a)
}

// busy reports whether a life of a replica talks to a peer, or just did.
func (n *network) busy(i incarnation) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.inFlight[i] > 0 || time.Since(n.latest[i]) < 250*time.Millisecond
}

// flying returns how many attempts of a life are on their way.
func (n *network) flying(i incarnation) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.inFlight[i]
}

// set lays a trap.
func (n *network) set(t trap) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.traps = append(n.traps, t)
}

// unset takes away the traps for a life.
func (n *network) unset(i incarnation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var kept []trap
	for _, t := range n.traps {
		if t.by != i {
			kept = append(kept, t)
		}
	}
	n.traps = kept
}

// spring closes the trap for an attempt, if there is one.
func (n *network) spring(a *arrival, l leg, s stage) {
	n.mu.Lock()
	var sprung func()
	for i, t := range n.traps {
		if t.by == a.by && t.leg == l && t.stage == s {
			sprung = t.spring
			n.traps = append(n.traps[:i:i], n.traps[i+1:]...)
			break
		}
	}
	n.mu.Unlock()
	if sprung != nil {
		sprung()
	}
}

// carry lets the peer act, unless the fault keeps it from that, and the sender
// know, unless the fault keeps it from that.
func (n *network) carry(w http.ResponseWriter, r *http.Request, l leg, body []byte, a *arrival) {
	n.spring(a, l, beforeDone)
	if a.fault == slow {
		// What is on the way arrives, whether or not its sender lives to see it.
		pause(context.WithoutCancel(r.Context()), n.patience/8)
	}
	if a.fault.before() {
		n.fail(w, r, a.fault)
		return
	}
	answer := n.ask(r, l, body)
	a.done = answer.Code/100 == 2
	n.spring(a, l, afterDone)
	if a.fault.ambiguous() {
		n.spoil(w, r, a.fault, answer)
		return
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, err := w.Write(answer.Body.Bytes())
	a.clean = err == nil && http.NewResponseController(w).Flush() == nil
	n.spring(a, l, afterAnswer)
}

// ask has the peer act.
func (n *network) ask(r *http.Request, l leg, body []byte) *httptest.ResponseRecorder {
	inner := r.Clone(context.WithoutCancel(r.Context()))
	inner.Body = io.NopCloser(bytes.NewReader(body))
	inner.Header.Del("Proxy-Authorization")
	answer := httptest.NewRecorder()
	n.peer(l).ServeHTTP(answer, inner)
	return answer
}

func (n *network) peer(l leg) http.Handler {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l == legHub {
		return n.hub
	}
	return n.sandbox
}

// connect sets who is behind the network, before anybody asks.
func (n *network) connect(hub, sandbox http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hub, n.sandbox = hub, sandbox
}
