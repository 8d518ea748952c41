package sandbox

import "time"

// A window remembers when messages were taken.
type window []time.Time

// A rate is a number of messages in a span of time.
type rate struct {
	count int
	span  time.Duration
}

// conversationRates are what Teams takes from one bot in one chat
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit).
func conversationRates() []rate {
	return []rate{{7, time.Second}, {8, 2 * time.Second}, {60, 30 * time.Second}, {1800, time.Hour}}
}

// tenantRates are what Teams takes from one bot in one tenant.
func tenantRates() []rate { return []rate{{50, time.Second}} }

// allows reports whether one more message at now stays within rates. It forgets
// what no rate looks back at.
func (w *window) allows(now time.Time, rates []rate) bool {
	longest := rates[len(rates)-1].span
	for len(*w) > 0 && now.Sub((*w)[0]) >= longest {
		*w = (*w)[1:]
	}
	for _, r := range rates {
		if n := len(*w); n >= r.count && now.Sub((*w)[n-r.count]) < r.span {
			return false
		}
	}
	return true
}

// allow takes one message to p, unless the limits of Teams forbid it.
func (s *Sandbox) allow(p *person) bool {
	if !s.cfg.Limits {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !p.sent.allows(now, conversationRates()) || !s.sent.allows(now, tenantRates()) {
		return false
	}
	p.sent = append(p.sent, now)
	s.sent = append(s.sent, now)
	return true
}
