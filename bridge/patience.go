package bridge

import (
	"slices"
	"time"

	"github.com/liaison-skill/liaison/mapping"
)

// Patience is how long a conversation waits for what. Zero is for ever, or never.
type Patience struct {
	Wait   time.Duration // for an agent, until the user is asked what to do
	Remind time.Duration // in silence, until the user is warned of the close
	Idle   time.Duration // in silence, until the conversation is closed
	Cap    time.Duration // from its opening, until it is closed whatever happens
	Update time.Duration // at least between two words about the queue
}

// A chore is what a conversation's waits call for.
type chore int

const (
	tellQueue chore = iota
	offerChoice
	remindUser
	closeIdle
	closeCapped
)

// look says what is due in an open conversation, and when to look again; zero:
// when something has happened. A closing chore comes alone.
func (p Patience) look(w mapping.Watch) (due []chore, next time.Time) {
	at := func(since time.Time, wait time.Duration, c chore) {
		when := since.Add(wait)
		switch {
		case wait <= 0:
		case !when.After(w.Now):
			due = append(due, c)
		case next.IsZero() || when.Before(next):
			next = when
		}
	}
	at(w.OpenedAt, p.Cap, closeCapped)
	asked := w.Asks != ""
	if w.State == mapping.Active || asked { // who only waits in a queue is silent with good reason
		said := latest(w.OpenedAt, w.JoinedAt, w.SaidAt, w.OfferedAt)
		at(said, p.Idle, closeIdle)
		switch {
		case p.Remind >= p.Idle: // there is nothing to warn of, or no time for it
		case !w.RemindedAt.After(said):
			at(said, p.Remind, remindUser)
		default:
			at(w.Now, p.Remind, remindUser) // somebody may write right now, and be silent again
		}
	}
	if w.State == mapping.Waiting && !asked {
		at(w.WaitingAt, p.Wait, offerChoice)
		if w.QueueNews {
			at(w.ToldAt, p.Update, tellQueue)
		}
	}
	for _, c := range []chore{closeCapped, closeIdle} {
		if slices.Contains(due, c) {
			return []chore{c}, time.Time{}
		}
	}
	return due, next
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}
