package e2e

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

// TestParked: conversations in which nobody talks have no stream and cost next to
// nothing; their tokens are renewed all the same. TEST_PARKED is how many there are,
// TEST_PARKED_FOR how long they are measured: `make bench-parked`.
func TestParked(t *testing.T) {
	t.Parallel()
	parked, window := 500, 3*time.Second
	if n, err := strconv.Atoi(os.Getenv("TEST_PARKED")); err == nil {
		parked = n
	}
	if d, err := time.ParseDuration(os.Getenv("TEST_PARKED_FOR")); err == nil {
		window = d
	}
	w := canvasWorld(t, "LIAISON_COPILOT_QUIET=1s", "LIAISON_LOG_LEVEL=info")
	service := &process{tb: t, w: w, bin: program(t, "liaison")}
	t.Cleanup(service.kill)
	service.start()
	w.echoing()
	v := w.visit(t, `{}`)
	v.says(t, "one")
	v.waitTold(t, "heard one")
	none := func() bool { return w.sandbox.Direct().Streams() == 0 }
	patient(t, "nobody listens", none, func() any { return w.sandbox.Direct().Streams() })

	cpu, before := service.uses(t)
	<-time.After(window)
	alone, _ := service.uses(t)
	alone -= cpu
	w.park(t, parked)
	cpu, _ = service.uses(t)
	began := w.renewals(t)
	<-time.After(window)
	with, after := service.uses(t)
	with -= cpu
	renewed := w.renewals(t) - began

	t.Logf("%d parked conversations, %s: %d streams; the service has %.1f MB, %.1f with one; it used %.2f %% of a core, %.2f %% with one; %d tokens renewed",
		parked, window, w.sandbox.Direct().Streams(), float64(after)/1e6, float64(before)/1e6,
		100*with.Seconds()/window.Seconds(), 100*alone.Seconds()/window.Seconds(), renewed)
	if !none() {
		t.Errorf("%d streams are open", w.sandbox.Direct().Streams())
	}
	if grown := after - before; grown > 64<<20 {
		t.Errorf("the service grew by %d bytes", grown)
	}
	if parked >= 500 {
		patient(t, "a token is renewed", func() bool { return w.renewals(t) > 0 }, func() any { return renewed })
	}
	// Any of them goes on where it was.
	w.sandbox.Direct().Say(w.lastTalk(), activity.Activity{Type: activity.TypeMessage, Text: "unasked"})
	v.says(t, "two")
	v.waitTold(t, "heard one", "unasked", "heard two")
}

// park adds so many conversations that are parked, by the token of the one there is.
// All are renewed within 15 minutes, half of a token's life, each at a time of its own.
func (w *world) park(t *testing.T, n int) {
	t.Helper()
	_, err := w.db.Exec(t.Context(), `
		INSERT INTO relay (hub, hub_conversation, user_id, profile, talk, token, token_until, introduced, heard, refresh_at)
		SELECT hub, 'parked ' || i, '', profile, talk,
			jsonb_set(jsonb_set(token::jsonb, '{issued}', to_jsonb(now() - interval '16 minutes')), '{expires}', to_jsonb(now() + interval '14 minutes')),
			now() + interval '14 minutes', introduced, heard, now() + interval '15 minutes' * i / $1
		FROM relay, generate_series(1, $1::int) AS i
		WHERE hub_conversation NOT LIKE 'parked %'`, n)
	if err != nil {
		t.Fatal(err)
	}
}

// renewals counts the parked conversations whose token is a newer one by now.
func (w *world) renewals(t *testing.T) int {
	t.Helper()
	var n int
	err := w.db.QueryRow(t.Context(), `
		SELECT count(*)
		FROM relay
		WHERE hub_conversation LIKE 'parked %'
		  AND token_until > now() + interval '20 minutes'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// uses is the processor time and the memory of the service.
func (p *process) uses(t *testing.T) (cpu time.Duration, memory int64) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	raw, err := os.ReadFile(dir + "stat")
	if err != nil {
		t.Skip("what a process uses is read from /proc")
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:])) // the name may hold anything
	for _, i := range []int{11, 12} {                                       // utime, stime
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		cpu += time.Duration(n) * 10 * time.Millisecond
	}
	pages, _ := strconv.ParseInt(fields[21], 10, 64)
	return cpu, pages * int64(os.Getpagesize())
}
