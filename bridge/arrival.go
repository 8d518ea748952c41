package bridge

import "time"

// Arrivals counts how long users who come from Copilot wait, from the link on. A nil
// function counts nothing.
type Arrivals struct {
	Greeted  func(time.Duration) // until our first words are in the chat
	Answered func(time.Duration) // until a person's are
}

// followed is when the turn's user followed the link: by the channel's clock, unless
// that cannot be.
func (t Turn) followed() time.Time {
	now := time.Now()
	if t.At.After(now) || t.At.Before(now.Add(-time.Minute)) {
		return now
	}
	return t.At
}

// arrived counts an activity that is in the chat of somebody who waits for it.
func (b *Bridge) arrived(o teamsOrder) {
	count := b.opt.Arrivals.Greeted
	if o.Agent {
		count = b.opt.Arrivals.Answered
	}
	if count != nil && !o.Followed.IsZero() {
		count(max(0, time.Since(o.Followed)))
	}
}
