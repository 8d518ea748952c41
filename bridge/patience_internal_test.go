package bridge

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
)

var t0 = time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)

func after(m int) time.Time { return t0.Add(time.Duration(m) * time.Minute) }

// patient waits 5 minutes for an agent, 30 in silence and 12 hours at most.
func patient() Patience {
	return Patience{Wait: 5 * time.Minute, Remind: 25 * time.Minute, Idle: 30 * time.Minute, Cap: 12 * time.Hour, Update: time.Minute}
}

func TestPatience(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(w *mapping.Watch)
		now    int // minutes after the opening
		want   []chore
		next   int // minutes; 0: nothing to wait for
	}{
		"just opened":              {func(*mapping.Watch) {}, 0, nil, 5},
		"nobody joined":            {func(*mapping.Watch) {}, 5, []chore{offerChoice}, 720},
		"goes on waiting":          {func(w *mapping.Watch) { w.WaitingAt = after(6) }, 7, nil, 11},
		"asked, and silent":        {func(w *mapping.Watch) { w.Asks, w.OfferedAt = mapping.AsksChoice, after(5) }, 29, nil, 30},
		"asked, silent for longer": {func(w *mapping.Watch) { w.Asks, w.OfferedAt = mapping.AsksChoice, after(5) }, 30, []chore{remindUser}, 35},
		"asked, silent for ever":   {func(w *mapping.Watch) { w.Asks, w.OfferedAt = mapping.AsksChoice, after(5) }, 35, []chore{closeIdle}, 0},
		"news of the queue":        {func(w *mapping.Watch) { w.QueueNews, w.Queue = true, livechat.QueueState{Position: 2} }, 1, []chore{tellQueue}, 5},
		"news just after others":   {func(w *mapping.Watch) { w.QueueNews, w.ToldAt = true, after(1) }, 1, nil, 2},
		"news for nobody who waits": {func(w *mapping.Watch) {
			w.State, w.QueueNews, w.JoinedAt = mapping.Active, true, after(1)
		}, 2, nil, 26},
		"talking":              {func(w *mapping.Watch) { w.State, w.SaidAt = mapping.Active, after(60) }, 70, nil, 85},
		"silent":               {func(w *mapping.Watch) { w.State, w.SaidAt = mapping.Active, after(60) }, 85, []chore{remindUser}, 90},
		"reminded":             {func(w *mapping.Watch) { w.State, w.SaidAt, w.RemindedAt = mapping.Active, after(60), after(85) }, 86, nil, 90},
		"silent although":      {func(w *mapping.Watch) { w.State, w.SaidAt, w.RemindedAt = mapping.Active, after(60), after(85) }, 90, []chore{closeIdle}, 0},
		"spoke after all":      {func(w *mapping.Watch) { w.State, w.SaidAt, w.RemindedAt = mapping.Active, after(86), after(85) }, 90, nil, 111},
		"too long":             {func(w *mapping.Watch) { w.State, w.SaidAt = mapping.Active, after(719) }, 720, []chore{closeCapped}, 0},
		"silent and too long":  {func(w *mapping.Watch) { w.State, w.SaidAt = mapping.Active, after(600) }, 720, []chore{closeCapped}, 0},
		"nobody and too long":  {func(*mapping.Watch) {}, 720, []chore{closeCapped}, 0},
		"woke long after both": {func(w *mapping.Watch) { w.State, w.SaidAt = mapping.Active, after(60) }, 300, []chore{closeIdle}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mapping.Watch{WaitingAt: t0, Now: after(tc.now)}
			w.State, w.OpenedAt = mapping.Waiting, t0
			tc.change(&w)
			due, next := patient().look(w)
			if diff := cmp.Diff(tc.want, due); diff != "" {
				t.Errorf("due (-want +got):\n%s", diff)
			}
			var want time.Time
			if tc.next > 0 {
				want = after(tc.next)
			}
			// What is due changes what comes next: it is asked for again then.
			if len(due) == 0 && !next.Equal(want) {
				t.Errorf("next %s, want %s", next.Sub(t0), want.Sub(t0))
			}
		})
	}
}

// TestPatienceComesToAnEnd: whatever was said when, a conversation in which nothing
// happens any more is closed within its idle time or its cap, each chore on the way
// is due once, and there is always a next time to look until then.
func TestPatienceComesToAnEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minutes := func(name string, from, to int) time.Duration {
			return time.Duration(rapid.IntRange(from, to).Draw(t, name)) * time.Minute
		}
		p := Patience{
			Wait: minutes("wait", 0, 60), Remind: minutes("remind", 0, 60), Idle: minutes("idle", 0, 60),
			Cap: minutes("cap", 1, 600), Update: minutes("update", 1, 5),
		}
		w := mapping.Watch{WaitingAt: t0, Now: t0, SaidAt: t0.Add(minutes("said", 0, 30))}
		w.OpenedAt, w.State = t0, rapid.SampledFrom([]mapping.State{mapping.Waiting, mapping.Active}).Draw(t, "state")
		w.QueueNews = rapid.Bool().Draw(t, "news")
		done := map[chore]int{}
		for range 1300 {
			due, next := p.look(w)
			for _, c := range due {
				done[c]++
				switch c {
				case tellQueue:
					w.QueueNews, w.ToldAt = false, w.Now
				case offerChoice:
					w.Asks, w.OfferedAt = mapping.AsksChoice, w.Now
				case remindUser:
					w.RemindedAt = w.Now
				case closeIdle, closeCapped:
					for c, n := range done {
						if n > 1 {
							t.Fatalf("chore %d was due %d times", c, n)
						}
					}
					return
				}
			}
			if len(due) > 0 {
				continue
			}
			if !next.After(w.Now) {
				t.Fatalf("looks again at %s, which is not after %s", next, w.Now)
			}
			w.Now = next
		}
		t.Fatalf("never closed: %v", done)
	})
}

// Who was reminded may write at once and fall silent again, long before anything
// else is due.
func TestPatienceAfterAReminder(t *testing.T) {
	t.Parallel()
	p := patient()
	p.Remind, p.Idle = time.Minute, 30*time.Minute
	w := mapping.Watch{Now: after(86), SaidAt: after(60), RemindedAt: after(85)}
	w.OpenedAt, w.State = t0, mapping.Active
	if due, next := p.look(w); len(due) > 0 || !next.Equal(after(87)) {
		t.Errorf("due %v, next look at %s; want none, at %s", due, next, after(87))
	}
}
