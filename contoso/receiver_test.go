package contoso_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// A posted is one webhook as it arrived.
type posted struct {
	ConversationID, ID, Message, Sender, Event, Reason string
	MessageID, To                                      string
	Position                                           int
	Attachments                                        []link
	Timestamp                                          time.Time

	raw    string
	header http.Header
	at     time.Time
}

// A link is a file as webhooks and the API name it.
type link struct {
	ID, Name, ContentType, URL string
	Size                       int64
}

// A receiver takes webhooks, writes them down and answers as it is told.
type receiver struct {
	url string

	mu     sync.Mutex
	got    []posted
	active map[string]int // attempts under way, by conversation
	twice  bool           // two attempts of one conversation were under way at once
	reply  func(n int, p posted, w http.ResponseWriter)
}

// receive starts a receiver; reply answers the nth request (from 1) and may be
// nil for 204.
func receive(tb testing.TB, reply func(n int, p posted, w http.ResponseWriter)) *receiver {
	tb.Helper()
	r := &receiver{reply: reply, active: map[string]int{}}
	srv := httptest.NewServer(r)
	tb.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(req.Body)
	p := posted{raw: string(raw), header: req.Header, at: time.Now()}
	if err != nil || json.Unmarshal(raw, &p) != nil {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	r.mu.Lock()
	r.got = append(r.got, p)
	n := len(r.got)
	r.active[p.ConversationID]++
	r.twice = r.twice || r.active[p.ConversationID] > 1
	r.mu.Unlock()
	if r.reply == nil {
		w.WriteHeader(http.StatusNoContent)
	} else {
		r.reply(n, p, w)
	}
	r.mu.Lock()
	r.active[p.ConversationID]--
	r.mu.Unlock()
}

func (r *receiver) all() []posted {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// texts returns what arrived as "event:message", in order of arrival.
func (r *receiver) texts() []string {
	var texts []string
	for _, p := range r.all() {
		texts = append(texts, p.Event+":"+p.Message)
	}
	return texts
}

// until waits for an event, and returns the first of it. A page that is slow tells of
// typing beside.
func (r *receiver) until(tb testing.TB, event string) (first posted) {
	tb.Helper()
	eventually(tb, event, func() bool {
		all := r.all()
		i := slices.IndexFunc(all, func(p posted) bool { return p.Event == event })
		if i >= 0 {
			first = all[i]
		}
		return i >= 0
	})
	return first
}

// wait waits for n webhooks.
func (r *receiver) wait(tb testing.TB, n int) []posted {
	tb.Helper()
	eventually(tb, "webhooks", func() bool { return len(r.all()) >= n })
	return r.all()
}
