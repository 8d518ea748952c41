package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A door stands before the hub and can answer in its place: before it does what it
// is asked, or after.
type door struct {
	before atomic.Pointer[http.HandlerFunc]
	after  atomic.Pointer[http.HandlerFunc]
}

// doorWorld is a quick world, not yet started, with a door before its hub.
func doorWorld(t *testing.T, settings ...string) (*world, *door) {
	t.Helper()
	w, d := build(t, sandbox.Config{}, settings...), &door{}
	w.tune = quick
	hub, err := url.Parse(w.hub.url())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(hub)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if f := d.before.Load(); f != nil && strings.HasSuffix(r.URL.Path, "/start") {
			(*f)(rw, r)
			return
		}
		f := d.after.Load()
		if f == nil || !strings.HasSuffix(r.URL.Path, "/start") {
			proxy.ServeHTTP(rw, r)
			return
		}
		proxy.ServeHTTP(httptest.NewRecorder(), r)
		(*f)(rw, r)
	}))
	t.Cleanup(srv.Close)
	w.environ = append(w.environ, "LIAISON_HUB_CONTOSO_URL="+srv.URL)
	return w, d
}

// open counts the hub's conversations that have not ended.
func (w *world) open(t *testing.T) (n int) {
	t.Helper()
	for _, c := range w.chats(t) {
		if c.State != "ended" {
			n++
		}
	}
	return n
}

// TestR11_StartBreaks at each of its steps, and is repeated: the hub has one conversation with the
// user in the end, or none, and so have we.
func TestR11_StartBreaks(t *testing.T) {
	t.Parallel()
	broken := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for name, tc := range map[string]struct {
		arm  func(*door, *http.HandlerFunc)
		stop bool // the service is stopped at that moment and started again
	}{
		"before the hub is asked":           {arm: func(d *door, f *http.HandlerFunc) { d.before.Store(f) }},
		"after the hub has opened":          {arm: func(d *door, f *http.HandlerFunc) { d.after.Store(f) }},
		"before the hub is asked, with us":  {arm: func(d *door, f *http.HandlerFunc) { d.before.Store(f) }, stop: true},
		"after the hub has opened, with us": {arm: func(d *door, f *http.HandlerFunc) { d.after.Store(f) }, stop: true},
		"nowhere":                           {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := doorWorld(t)
			w.service.start()
			t.Cleanup(w.service.stop)
			met := make(chan struct{})
			var once sync.Once
			fault := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				once.Do(func() { close(met) })
				broken(rw, r)
			})
			if tc.arm != nil {
				tc.arm(d, &fault)
			}
			c := newCaller(t, w)
			for n := range 3 {
				c.says(fmt.Sprint("start ", n), event("startConversation"))
			}
			if tc.arm != nil {
				<-met
			}
			if tc.stop {
				w.service.stop()
			}
			d.before.Store(nil)
			d.after.Store(nil)
			if tc.stop {
				w.service.start()
			}
			eventually(t, "the start has an outcome", func() bool { return w.mappings(t, "opening") == 0 })
			eventually(t, "both sides agree", func() bool { return w.open(t) == w.mappings(t, "waiting") })
			if n := len(w.chats(t)); n > 1 {
				t.Errorf("the hub opened %d conversations", n)
			}
			if n := w.mappings(t, "waiting", "failed"); n != 1 {
				t.Errorf("%d mappings came of it", n)
			}
		})
	}
}

// TestR11_OrphanAtTheHub: a conversation that outlived its mapping is closed.
func TestR11_OrphanAtTheHub(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{})
	// As if the hub had refused its end, or a backup were older than it.
	if _, err := k.db.Exec(t.Context(), `UPDATE mapping SET state = 'closed', closed_by = 'user', ended_at = now(), closed_at = now(), wake_at = NULL`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the orphan closed", func() bool { return k.standing(t).State == "ended" })
	if n := k.happened(t, "ended"); n != 1 {
		t.Errorf("it was ended %d times", n)
	}
}

// TestR11_OrphanOfOurs: a mapping whose hub conversation is over, of which nobody
// told us, gives the user back.
func TestR11_OrphanOfOurs(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{
		"ended":   `UPDATE contoso.conversation SET state = 'ended', ended_by = 'agent', ended_at = now()`,
		"unknown": `TRUNCATE contoso.conversation CASCADE`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newEscalation(t, sandbox.Config{}, "CONTOSO_QUEUE_NEWS=0")
			if _, err := k.hubDB.Exec(t.Context(), end); err != nil {
				t.Fatal(err)
			}
			k.sees(t, "The agent has ended the conversation. You are back with the copilot.")
			if err := k.user.WaitHolder(t.Context(), sandbox.WithCopilot); err != nil {
				t.Fatal(err)
			}
			if out := k.outputs(t); out["endedBy"] != "agent" || out["status"] != "ended" {
				t.Errorf("outputs %v", out)
			}
		})
	}
}

// TestR11_MissedWords: what a hub said that nobody heard arrives, in order and
// once, when the service comes back; its end, too.
func TestR11_MissedWords(t *testing.T) {
	t.Parallel()
	deaf := httptest.NewServer(http.NotFoundHandler()) // what the hub posts is lost
	t.Cleanup(deaf.Close)
	w := quickWorld(t, sandbox.Config{}, "CONTOSO_WEBHOOK_URL="+deaf.URL, "LIAISON_TEAMS_RATES=off")
	k := w.escalation(t)
	var want []string
	for n := range 60 { // more than the hub tells at once
		text := fmt.Sprint("line ", n)
		k.does(t, http.MethodPost, "messages", map[string]string{"message": text})
		want = append(want, "**Adele Vance**: "+text)
	}
	w.replica(t) // both come back, and one answers for both
	w.service.stop()
	w.service.start()
	k.sees(t, "line 59")
	k.does(t, http.MethodPost, "end", conclude())
	k.sees(t, "has ended the conversation")
	if err := k.user.WaitHolder(t.Context(), sandbox.WithCopilot); err != nil {
		t.Fatal(err)
	}
	w.idle(t)
	words := slices.DeleteFunc(byAuthor(k.user, sandbox.ByAgent), func(s string) bool { return !strings.HasPrefix(s, "**") })
	if diff := cmp.Diff(want, words); diff != "" {
		t.Errorf("(-said +seen):\n%s", diff)
	}
	if n := k.times("Adele Vance has joined"); n != 1 {
		t.Errorf("the user was told %d times who joined", n)
	}
}

// TestR12_Overdue: words that take long are told of once, and arrive.
func TestR12_Overdue(t *testing.T) {
	t.Parallel()
	w := quickWorld(t, sandbox.Config{})
	w.replica(t)
	k := w.escalation(t)
	k.does(t, http.MethodPost, "join", nil)
	k.sees(t, "has joined")
	w.hub.stop()
	const delayed = "Your message has not been delivered yet."
	sandboxtest.Say(t, k.user, "one", "two")
	k.sees(t, delayed)
	<-time.After(2 * quickOverdue) // both have looked again and again
	w.hub.start()
	k.reads(t, 1, "two")
	if n := k.times(delayed); n != 1 {
		t.Errorf("the user was told %d times", n)
	}
}
