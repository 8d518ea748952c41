package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// A meddler stands before a program: it passes on what comes, elsewhere when it is
// told to, and spoils single requests.
type meddler struct {
	url string

	mu     sync.Mutex
	behind []*behind // in turns
	faults []http.HandlerFunc
	heard  func(http.Header)
}

// behind is a program that a meddler passes requests on to.
type behind struct {
	proxy httputil.ReverseProxy
	busy  sync.WaitGroup // requests on their way
}

func newMeddler(tb testing.TB) *meddler {
	tb.Helper()
	m := &meddler{}
	srv := httptest.NewServer(m)
	tb.Cleanup(srv.Close)
	m.url = srv.URL
	return m
}

// to makes bases the programs behind the meddler, and waits until the ones before
// have answered all they were passed.
func (m *meddler) to(tb testing.TB, bases ...string) {
	tb.Helper()
	next := make([]*behind, len(bases))
	for i, base := range bases {
		target, err := url.Parse(base)
		if err != nil {
			tb.Fatal(err)
		}
		next[i] = &behind{proxy: httputil.ReverseProxy{
			Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
			ErrorLog: log.New(io.Discard, "", 0),
		}}
	}
	m.mu.Lock()
	before := m.behind
	m.behind = next
	m.mu.Unlock()
	for _, b := range before {
		b.busy.Wait()
	}
}

// listen tells heard of every request from now on; some may have come already.
func (m *meddler) listen(heard func(http.Header)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = heard
}

// spoil answers the next requests itself, one with each fault.
func (m *meddler) spoil(faults ...http.HandlerFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, faults...)
}

// left returns how many faults nobody has met.
func (m *meddler) left() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.faults)
}

// ServeHTTP implements [http.Handler].
func (m *meddler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	fault, program := m.next(r.Header)
	if fault != nil {
		fault(w, r)
		return
	}
	defer program.busy.Done()
	program.proxy.ServeHTTP(w, r)
}

// next returns who answers a request: a fault, or a program that is busy now.
func (m *meddler) next(header http.Header) (http.HandlerFunc, *behind) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heard != nil {
		m.heard(header)
	}
	switch {
	case len(m.faults) == 0 && len(m.behind) == 0:
		return fails, nil // the service asks before the hub is there
	case len(m.faults) == 0:
		first := m.behind[0]
		m.behind = append(m.behind[1:], first)
		first.busy.Add(1)
		return nil, first
	}
	fault := m.faults[0]
	m.faults = m.faults[1:]
	return fault, nil
}

// The ways to spoil a request.

func fails(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }

func refuses(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": "BadRequest", "error": repeated(r)})
}

func misunderstands(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, repeated(r)) }

func breaks(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// babbles repeats the request as something that is not HTTP.
func babbles(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = fmt.Fprint(conn, repeated(r), "\r\n\r\n")
	_ = conn.Close()
}

// repeated is the request in one line, what is secret first.
func repeated(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	var header bytes.Buffer
	_ = r.Header.Write(&header)
	return strings.Join(strings.Fields(header.String()+string(body)+" "+r.URL.String()), " ")
}
