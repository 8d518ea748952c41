package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/internal/web"
)

// statusNone is recorded for a request that got no answer.
const statusNone = -1

// A Fault is a way to misbehave. Without Status, Hang, Reset, Echo, Redirect and
// EmptyBody it only delays.
type Fault struct {
	Status     int           `json:"status,omitempty"`     // answer this instead
	Code       string        `json:"code,omitempty"`       // in the answer's error body
	RetryAfter time.Duration `json:"retryAfter,omitempty"` // in the answer's Retry-After
	Delay      time.Duration `json:"delay,omitempty"`      // before anything else
	Hang       bool          `json:"hang,omitempty"`       // do not answer until the caller gives up
	Reset      bool          `json:"reset,omitempty"`      // break the TCP connection
	Echo       bool          `json:"echo,omitempty"`       // repeat the request, credentials too: in the error body, or without Status as no HTTP
	EmptyBody  bool          `json:"emptyBody,omitempty"`  // do it and answer its status without a body
	Accept     bool          `json:"accept,omitempty"`     // do what was asked first, then fail as told

	Redirect string        `json:"redirect,omitempty"` // answer with 302 to this URL
	Size     int64         `json:"size,omitempty"`     // of a file: so many bytes come; fewer than announced, or more than there are
	Drip     time.Duration `json:"drip,omitempty"`     // of a file: the time between two kilobytes

	Times        int    `json:"times,omitempty"`        // how many requests it hits; 0: all until ClearFaults
	Conversation string `json:"conversation,omitempty"` // only requests of this conversation, "" for all
}

// A standingFault waits for requests of its leg.
type standingFault struct {
	leg  Leg
	left int    // requests it will still hit; negative: all
	id   string // of the breakage on the page; "" for none
	Fault
}

// Fault makes a leg misbehave. Faults of one leg hit in the order they were
// given, each until it is used up.
func (s *Sandbox) Fault(leg Leg, f Fault) { s.fault(leg, f, "") }

func (s *Sandbox) fault(leg Leg, f Fault, id string) {
	s.update(func() {
		s.faults = append(s.faults, standingFault{leg: leg, left: cmp.Or(f.Times, -1), id: id, Fault: f})
	})
}

// ClearFaults ends all faults of a leg.
func (s *Sandbox) ClearFaults(leg Leg) {
	s.update(func() {
		s.faults = slices.DeleteFunc(s.faults, func(f standingFault) bool { return f.leg == leg })
	})
}

// takeFault uses up one hit of the first fault that matches.
func (s *Sandbox) takeFault(leg Leg, conversation string) standingFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		f := &s.faults[i]
		if f.leg != leg || f.Conversation != "" && f.Conversation != conversation {
			continue
		}
		hit := *f
		if f.left--; f.left == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return hit
	}
	return standingFault{}
}

// fails reports whether the caller is to see something other than success.
func (f Fault) fails() bool { return f.Status != 0 || f.Hang || f.Reset || f.Echo || f.Redirect != "" }

// play answers q as f has it and returns the status the caller saw.
func (s *Sandbox) play(q request, f standingFault, endpoint func(request) reply) int {
	ctx := q.Request.Context()
	if f.Delay > 0 && !pause(ctx, f.Delay) {
		reset(q)
		return statusNone
	}
	var r reply
	if !f.fails() || f.Accept {
		r = endpoint(q)
	}
	switch {
	case f.Hang:
		pause(ctx, 0)
		reset(q)
		return statusNone
	case f.Reset:
		reset(q)
		return statusNone
	case f.Status != 0:
		r = f.reply(q)
	case f.Echo:
		babble(q)
		return statusNone
	case f.Redirect != "":
		r = reply{http.StatusFound, redirect(f.Redirect)}
	case f.EmptyBody:
		r.body = nil
	}
	if file, ok := r.body.(content); ok {
		file.size, file.drip = f.Size, f.Drip
		r.body = file
	}
	q.write(r)
	return r.status
}

// reply is the answer f asks for, with the error body of its leg.
func (f standingFault) reply(q request) reply {
	if f.RetryAfter > 0 {
		q.Header("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	if f.EmptyBody {
		return reply{f.Status, nil}
	}
	message := "This fault was ordered."
	if f.Echo {
		message = echo(q)
	}
	switch {
	case f.leg == Entra:
		return entraError(f.Status, cmp.Or(f.Code, "temporarily_unavailable"), message)
	case f.Status == http.StatusTooManyRequests:
		return connectorError(f.Status, cmp.Or(f.Code, "Throttled"), message)
	}
	return connectorError(f.Status, cmp.Or(f.Code, "ServiceError"), message)
}

// pause waits for d, or until the caller is gone or the server stops when d is
// zero. It reports whether the caller still waits.
func pause(ctx context.Context, d time.Duration) bool {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		return true
	case <-ctx.Done():
	case <-web.Draining(ctx):
	}
	return false
}

// echo is the request in one line.
func echo(q request) string {
	r := q.Request
	return fmt.Sprint(r.Header.Get("Authorization"), " ", strings.Join(strings.Fields(string(q.body)), " "), " ", r.Method, " ", r.URL)
}

// babble repeats the request where an answer belongs. Clients like to quote what
// they cannot read.
func babble(q request) {
	conn, _, err := q.Writer.Hijack()
	if err != nil {
		return
	}
	_, _ = fmt.Fprint(conn, echo(q), "\r\n\r\n")
	_ = conn.Close()
}

// reset breaks the connection so that the caller reads "connection reset".
func reset(q request) {
	conn, _, err := q.Writer.Hijack()
	if err != nil {
		return // HTTP/2 or a test's recorder: there is nothing to break
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // close with RST instead of FIN
	}
	_ = conn.Close()
}
