package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// What the user is told when nobody writes.
const (
	stillThere = "Are you still there?"
	idleEnded  = "Nobody has written for a while, so the conversation has ended. You are back with the copilot."
	capEnded   = "The conversation has reached its longest time and has ended. You are back with the copilot."
)

// replica starts one more of the service on the same database.
func (w *world) replica(t *testing.T) {
	t.Helper()
	p := &part{tb: t, serve: w.service.serve}
	p.start()
	t.Cleanup(p.stop)
}

// TestR12_Idle reminds the user, then closes for both sides; each once, although
// several replicas look.
func TestR12_Idle(t *testing.T) {
	t.Parallel()
	w := quickWorld(t, sandbox.Config{}, "LIAISON_REMIND=1s", "LIAISON_IDLE=7s")
	w.replica(t)
	w.replica(t)
	k := w.escalation(t)
	k.does(t, http.MethodPost, "join", nil)
	k.sees(t, "has joined")
	if line := k.sees(t, stillThere); len(line.Cards) != 1 {
		t.Errorf("the reminder has no button: %+v", line)
	}
	k.sees(t, idleEnded)
	out := k.over(t)
	if out["status"] != "ended" || out["endedBy"] != "idle" {
		t.Errorf("outputs %v", out)
	}
	if diff := cmp.Diff([]string{"help", "Nobody has written for a while, so the conversation has ended."}, k.said(t, k.id)); diff != "" {
		t.Errorf("the desk (-want +got):\n%s", diff)
	}
	w.idle(t)
	if k.times(stillThere) != 1 || k.times(idleEnded) != 1 || k.happened(t, "ended") != 1 {
		t.Errorf("the user was told %q", byAuthor(k.user, sandbox.ByAgent))
	}
}

// TestR12_IdleIsOver as soon as somebody writes.
func TestR12_IdleIsOver(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{}, "LIAISON_REMIND=2s", "LIAISON_IDLE=1h")
	k.does(t, http.MethodPost, "join", nil)
	k.sees(t, stillThere)
	sandboxtest.Say(t, k.user, "yes, I am")
	k.reads(t, 1, "yes, I am")
	eventually(t, "the next reminder", func() bool { return k.times(stillThere) == 2 })
	k.agentSays(t, k.id, "so am I")
	eventually(t, "one more", func() bool { return k.times(stillThere) == 3 })
	at, said := k.told(t, stillThere), k.spoken(t)
	for i, after := range said {
		if wait := at[i].Sub(after); wait < 2*time.Second {
			t.Errorf("reminder %d came %s after words", i, wait)
		}
	}
}

// spoken returns when user and agent wrote, and when the agent joined.
func (k *escalation) spoken(t *testing.T) []time.Time {
	t.Helper()
	var joined time.Time
	if err := k.db.QueryRow(t.Context(), `SELECT joined_at FROM mapping`).Scan(&joined); err != nil {
		t.Fatal(err)
	}
	rows, err := k.db.Query(t.Context(), `SELECT said_at FROM entry WHERE side IN ('user', 'agent') AND said_at > $1 ORDER BY id`, joined)
	if err != nil {
		t.Fatal(err)
	}
	at := []time.Time{joined}
	for rows.Next() {
		var said time.Time
		if err := rows.Scan(&said); err != nil {
			t.Fatal(err)
		}
		at = append(at, said)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestR12_Cap ends a conversation in which people still write.
func TestR12_Cap(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{}, "LIAISON_CAP=1h")
	k.does(t, http.MethodPost, "join", nil)
	k.agentSays(t, k.id, "we have an hour")
	k.sees(t, "we have an hour")
	if _, err := k.db.Exec(t.Context(), `UPDATE mapping SET opened_at = opened_at - interval '1 hour', wake_at = now()`); err != nil {
		t.Fatal(err)
	}
	k.sees(t, capEnded)
	if out := k.over(t); out["endedBy"] != "cap" {
		t.Errorf("outputs %v", out)
	}
	k.reads(t, 1, "The conversation has reached its longest time and has ended.")
}

// TestR12_TimersSurviveARestart: what came due while nobody ran is done at once by
// whoever runs then, and what did not is done in its time.
func TestR12_TimersSurviveARestart(t *testing.T) {
	t.Parallel()
	w := quickWorld(t, sandbox.Config{}, "LIAISON_WAIT=2s", "LIAISON_REMIND=0s", "LIAISON_IDLE=3s")
	k := w.escalation(t)
	w.service.stop()
	<-time.After(2 * time.Second) // the question comes due
	w.replica(t)
	w.service.start()
	k.sees(t, nobodyJoined)
	asked := k.told(t, "I am sorry")
	w.service.stop()
	w.service.start()
	k.sees(t, idleEnded)
	if out := k.over(t); out["endedBy"] != "idle" {
		t.Errorf("outputs %v", out)
	}
	if took := k.told(t, "Nobody has written")[0].Sub(asked[0]); took < 3*time.Second || took > 30*time.Second {
		t.Errorf("closed %s after the question, want 3s and little more", took)
	}
	w.idle(t)
	if k.times(nobodyJoined) != 1 || k.times(idleEnded) != 1 {
		t.Errorf("the user was told %q", byAuthor(k.user, sandbox.ByAgent))
	}
}
