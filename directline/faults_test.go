package directline_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/sandbox"
)

// insist posts until it is done, as an outbox does: again after what may pass.
func insist(tb testing.TB, conv *directline.Conversation, p directline.Post) {
	tb.Helper()
	ctx := patient(tb)
	for {
		err := conv.Post(ctx, p)
		if err == nil {
			return
		}
		if gone, ok := errors.AsType[*directline.LostError](err); ok || ctx.Err() != nil {
			tb.Fatalf("post: %v, %v", err, gone)
		}
		p.Again = true
	}
}

// TestFaults loses and doubles nothing, either way, whatever happens once while
// two things are said and answered.
func TestFaults(t *testing.T) {
	t.Parallel()
	type fault = sandbox.Fault
	for name, row := range map[string]struct {
		leg   sandbox.Leg
		fault fault
	}{
		"a post is refused":                 {sandbox.DirectLine, fault{Status: 502}},
		"a post is heard and refused":       {sandbox.DirectLine, fault{Status: 502, Code: "BotRejectedActivity", Accept: true}},
		"a post breaks off":                 {sandbox.DirectLine, fault{Reset: true}},
		"a post is heard and breaks off":    {sandbox.DirectLine, fault{Reset: true, Accept: true}},
		"a post is heard and never answers": {sandbox.DirectLine, fault{Hang: true, Accept: true}},
		"a post is answered with nothing":   {sandbox.DirectLine, fault{EmptyBody: true}},
		"too many":                          {sandbox.DirectLine, fault{Status: 429}},
		"no stream":                         {sandbox.DirectLineStream, fault{Status: 503, Times: 5}},
		"no stream, ever":                   {sandbox.DirectLineStream, fault{Status: 500, Times: -1}},
		"a stream URL that is used up":      {sandbox.DirectLineStream, fault{Status: 403}},
		"a stream that breaks off":          {sandbox.DirectLineStream, fault{Reset: true, Times: 2}},
		"a stream that hangs":               {sandbox.DirectLineStream, fault{Hang: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := rig(t)
			echoes(s)
			c.Timeout, c.Pace.Tick = 5*time.Second, time.Minute // no look at a silent stream meets the fault
			conv, e := open(t, c), newEar()
			row.fault.Times = max(0, cmp.Or(row.fault.Times, 1)) // -1: all
			s.Fault(row.leg, row.fault)
			if row.leg == sandbox.DirectLineStream {
				listen(t, conv, e)
				insist(t, conv, words("1", "one"))
			} else {
				insist(t, conv, words("1", "one"))
				listen(t, conv, e)
			}
			insist(t, conv, words("2", "two"))
			if diff := gocmp.Diff([]string{"you said one", "you said two"}, e.wait(t, 2)); diff != "" {
				t.Errorf("heard (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff([]string{"one", "two"}, userSaid(s, conv.State().Conversation)); diff != "" {
				t.Errorf("the copilot heard (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNoStreamForGood: where a stream is refused for a reason that will not pass,
// what the copilot says is polled.
func TestNoStreamForGood(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	echoes(s)
	conv, e := open(t, c), newEar()
	insist(t, conv, words("1", "one"))
	s.Fault(sandbox.DirectLine, sandbox.Fault{Status: http.StatusBadRequest, Times: 1})
	listen(t, c.Resume(conv.State()), e) // to whom no stream is offered yet
	if diff := gocmp.Diff([]string{"you said one"}, e.wait(t, 1)); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	refused := func(r sandbox.Request) bool { return r.Status == http.StatusBadRequest }
	if !slices.ContainsFunc(s.Requests(sandbox.DirectLine), refused) {
		t.Error("no stream was refused")
	}
}

// TestSilentStream: a stream that is open and brings nothing keeps nobody waiting.
func TestSilentStream(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	echoes(s)
	conv, e := open(t, c), newEar()
	listen(t, conv, e)
	id := conv.State().Conversation
	if err := s.Direct().WaitStream(patient(t), id, true); err != nil {
		t.Fatal(err)
	}
	insist(t, conv, words("1", "one"))
	e.wait(t, 1)
	s.Direct().HushStream(id)
	insist(t, conv, words("2", "two"))
	if diff := gocmp.Diff([]string{"you said one", "you said two"}, e.wait(t, 2)); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	insist(t, conv, words("3", "three"))
	e.wait(t, 3)
}

// TestRefusalsAreToldByRule: an outbox asks the error what to do.
func TestRefusalsAreToldByRule(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	conv := open(t, c)
	for _, row := range []struct {
		status                            int
		after                             time.Duration
		permanent, ambiguous, unavailable bool
	}{
		{429, 7 * time.Second, false, false, true},
		{400, 0, true, false, false},
		{413, 0, true, false, false},
		{502, 0, false, true, true},
		{503, 2 * time.Second, false, false, true},
	} {
		s.Fault(sandbox.DirectLine, sandbox.Fault{Status: row.status, RetryAfter: row.after, Times: 1})
		err := conv.Post(patient(t), words("1", "one"))
		got, ok := errors.AsType[*jsonhttp.Error](err)
		if !ok || got.Status != row.status || got.RetryAfter() != row.after || got.Permanent() != row.permanent ||
			got.Ambiguous() != row.ambiguous || got.Unavailable() != row.unavailable {
			t.Errorf("status %d: %v", row.status, err)
		}
	}
}

// TestTokensGoOnlyWhereTheyMay: a region, a state and a stream that lead elsewhere
// get nothing.
func TestTokensGoOnlyWhereTheyMay(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	conv := open(t, c)
	cfg, err := auth.Config{Cloud: "public"}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := auth.NewHosts(cfg)
	if err != nil {
		t.Fatal(err)
	}
	before := len(s.Requests(sandbox.DirectLine))
	c.Trusted = hosts.Trusted // not the sandbox
	_, started := c.Start(patient(t))
	for name, err := range map[string]error{
		"a region":                started,
		"a state":                 c.Resume(conv.State()).Post(patient(t), words("1", "one")),
		"a state that is resumed": c.Resume(conv.State()).Listen(patient(t), newEar().hear),
		"a stream":                conv.Listen(patient(t), newEar().hear),
	} {
		if refusal, ok := errors.AsType[*auth.UntrustedError](err); !ok || !refusal.Permanent() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(s.Requests(sandbox.DirectLine)); n != before || len(s.Requests(sandbox.DirectLineStream)) != 0 {
		t.Errorf("%d calls were made all the same", n-before)
	}
}

// TestNothingSecretIsTold makes everything fail that quotes what it was sent, and
// looks for tokens, URLs and words in errors, logs and what is printed.
func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	var mu sync.Mutex
	var told bytes.Buffer
	c.Log = slog.New(slog.NewJSONHandler(writer{&mu, &told}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	conv := open(t, c)
	state := conv.State()
	c.Log.InfoContext(t.Context(), "state", "token", state.Token)
	tell := func(v any) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintf(&told, "%v %+v %#v\n", v, v, v)
	}
	tell(state)
	for _, f := range []sandbox.Fault{{Status: 400, Echo: true}, {Status: 500, Echo: true}, {Echo: true}, {Redirect: "http://127.0.0.1:1/" + string(state.Token)}} {
		f.Times = 1
		s.Fault(sandbox.DirectLine, f)
		tell(conv.Post(patient(t), words("1", "my secret words")))
	}
	s.Fault(sandbox.DirectLineStream, sandbox.Fault{Echo: true, Times: 1})
	s.Fault(sandbox.DirectLineStream, sandbox.Fault{Status: 403, Echo: true, Times: 1})
	s.Fault(sandbox.DirectLine, sandbox.Fault{Status: 418, Echo: true, Times: 1})
	tell(conv.Listen(patient(t), newEar().hear))
	mu.Lock()
	defer mu.Unlock()
	for _, secret := range []string{string(state.Token), "dlt.", "my secret words", "?t=", "/stream", "127.0.0.1:1/"} {
		if strings.Contains(told.String(), secret) {
			t.Errorf("%q is told: %s", secret, told.String())
		}
	}
}

type writer struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (w writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// TestStartFails for good, or not, as the endpoints say.
func TestStartFails(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	s.Direct().SetSecured(true)
	if _, err := c.Start(patient(t)); status(err) != http.StatusForbidden {
		t.Errorf("secured access: %v", err)
	}
	if _, err := withSecret(s, c).Start(patient(t)); err != nil {
		t.Errorf("with the secret: %v", err)
	}
	s.Fault(sandbox.CopilotTokens, sandbox.Fault{Status: 503, Times: 1})
	if _, err := c.Start(patient(t)); status(err) != http.StatusServiceUnavailable {
		t.Errorf("no region: %v", err)
	}
	c.Access.Endpoint = "https://example.com/token"
	if _, err := c.Start(patient(t)); err == nil || strings.Contains(err.Error(), "example.com") {
		t.Errorf("an endpoint of somebody else's: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := withSecret(s, c).Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func status(err error) int {
	if answer, ok := errors.AsType[*jsonhttp.Error](err); ok {
		return answer.Status
	}
	return 0
}
