package contoso_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

const (
	openOnes  = 1_000
	endedOnes = 10_000
	linesEach = time.Second / 50
	// workEach is how often the agent does something: twenty presses each time.
	workEach = 2 * time.Second
	// quickEnough is what a press may take until it is seen, for 95 in 100.
	quickEnough = 100 * time.Millisecond
	// unnoticed is what the browser does not report: it was quicker.
	unnoticed = 16 * time.Millisecond
	// growth is what the page may hold on to beside what it held after a while, in
	// bytes: what the agent looked at last.
	growth = 6 << 20
)

// observe has the page note how long each press took until it was painted.
const observe = `(() => {
	globalThis.presses = new Map();
	new PerformanceObserver((list) => {
		for (const { interactionId, duration } of list.getEntries()) {
			if (interactionId) presses.set(interactionId, Math.max(duration, presses.get(interactionId) ?? 0));
		}
	}).observe({ type: "event", durationThreshold: 16 });
})()`

// TestDesk_stays_quick_while_much_arrives: an agent goes on working while fifty
// lines a second arrive in a thousand conversations. TEST_DESK_FOR is how long;
// when it is set, the figures must hold.
func TestDesk_stays_quick_while_much_arrives(t *testing.T) {
	t.Parallel()
	span, measured := 6*time.Second, os.Getenv("TEST_DESK_FOR")
	if measured != "" {
		var err error
		if span, err = time.ParseDuration(measured); err != nil {
			t.Fatal(err)
		}
	}
	db := pgtest.DB(t, contoso.Schema())
	peer := receive(t, nil)
	h := run(t, db, contoso.Config{WebhookURL: peer.url})
	fillDesk(t, db)
	page := browsertest.OpenFor(t, h.url, span+6*time.Minute)
	page.Wait(`document.querySelector(".item .name")?.textContent`, "Open 1000")
	page.Eval(observe)
	idle := page.Busy()
	said := h.chatter(t)
	end := time.Now().Add(span)
	settled := end.Add(-span * 4 / 5)
	presses, before := 0, int64(0)
	pace := time.NewTicker(workEach)
	defer pace.Stop()
	for ; time.Now().Before(end); <-pace.C {
		presses += work(page)
		if before == 0 && time.Now().After(settled) {
			before = page.Heap()
		}
	}
	after, busy := page.Heap(), page.Busy()-idle
	lines := said()
	took := times(t, page, presses)
	p50, p95, worst := took[len(took)/2], took[len(took)*95/100], took[len(took)-1]
	t.Logf("in %s: %d presses, p50 %s (or quicker), p95 %s, worst %s; %.0f lines/s; %.1f MB held, %.1f MB at first; busy for %.0f %% of a core; %s elements",
		span, presses, p50, p95, worst, float64(lines)/span.Seconds(), float64(after)/(1<<20), float64(before)/(1<<20), 100*busy.Seconds()/span.Seconds(),
		page.Eval(`document.querySelectorAll("*").length`))
	if measured == "" {
		return // the machine may have other things to do
	}
	if p95 >= quickEnough {
		t.Errorf("p95 is %s, want below %s", p95, quickEnough)
	}
	if after > before+growth {
		t.Errorf("the page grew by %d bytes, want %d at most", after-before, growth)
	}
	if got, want := float64(lines)/span.Seconds(), 45.0; got < want {
		t.Errorf("%.0f lines/s arrived, want 50", got)
	}
}

// fillDesk is for the longest of days.
func fillDesk(tb testing.TB, db *pgxpool.Pool) {
	tb.Helper()
	_, err := db.Exec(tb.Context(), fmt.Sprintf(`
		INSERT INTO contoso.conversation (id, person, state, started_at, ended_at, ended_by)
		SELECT 'e' || n, jsonb_build_object('name', 'Ended ' || n), 'ended', now() - interval '1 day', now() - n * interval '1 second', 'user'
		FROM generate_series(1, %d) n;
		INSERT INTO contoso.conversation (id, person, started_at, queued_at)
		SELECT 'o' || n, jsonb_build_object('name', 'Open ' || n), now() - n * interval '1 second', now() - n * interval '1 second'
		FROM generate_series(1, %d) n;
		INSERT INTO contoso.line (conversation_id, event, author, sender, body)
		SELECT 'o' || n, 'message', 'user', 'Open ' || n, 'the printer on the third floor is on fire, again: ' || m
		FROM generate_series(1, %[2]d) n, generate_series(1, 10) m;
		ANALYZE contoso.conversation, contoso.line`, endedOnes, openOnes))
	if err != nil {
		tb.Fatal(err)
	}
}

// chatter lets users write, one line in ten in a conversation that is looked at
// first. The function it returns ends that and tells how many lines there were.
func (h hub) chatter(tb testing.TB) func() int {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	var wait sync.WaitGroup
	next := make(chan string)
	lines := 0
	wait.Go(func() {
		defer close(next)
		tick := time.NewTicker(linesEach)
		defer tick.Stop()
		for ; ; lines++ {
			id := fmt.Sprintf("o%d", 1+lines*7%openOnes)
			if lines%10 == 0 {
				id = fmt.Sprintf("o%d", openOnes-lines/10%20)
			}
			select {
			case <-tick.C:
				next <- id
			case <-ctx.Done():
				return
			}
		}
	})
	for range 8 {
		wait.Go(func() {
			for id := range next {
				h.hear(tb, id, "the printer on the third floor is on fire again")
			}
		})
	}
	return func() int {
		cancel()
		wait.Wait()
		return lines
	}
}

// work is what an agent does in a while, and how many presses that takes.
func work(page browsertest.Tab) int {
	const words = "looking into it"
	page.Eval(`document.activeElement.blur()`)
	page.Press("j") // the next conversation
	page.Wait(`document.querySelectorAll("#log .line").length > 0`, "true")
	page.Eval(`document.querySelector("#draft").focus()`)
	for _, c := range words {
		page.Press(string(c))
	}
	page.Eval(`document.querySelector("#draft").value = ""`)
	page.Click(`[data-filter="ended"]`)
	page.Click(`[data-filter="all"]`)
	page.Click(".item:nth-of-type(1)")
	return 1 + len(words) + 3
}

// times are how long presses took, in order. Those the browser did not note were
// quicker than it notes.
func times(tb testing.TB, page browsertest.Tab, presses int) []time.Duration {
	tb.Helper()
	var noted []float64
	if err := json.Unmarshal([]byte(page.Eval(`JSON.stringify([...presses.values()])`)), &noted); err != nil {
		tb.Fatal(err)
	}
	if len(noted) == 0 || len(noted) > 2*presses {
		tb.Fatalf("the browser noted %d of %d presses", len(noted), presses)
	}
	took := slices.Repeat([]time.Duration{unnoticed}, max(0, presses-len(noted)))
	for _, ms := range noted {
		took = append(took, time.Duration(ms*float64(time.Millisecond)))
	}
	slices.Sort(took)
	return took
}
