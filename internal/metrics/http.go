package metrics

import "net/http"

// Outcomes of requests, ours and others'.
const (
	accepted = "accepted"
	refused  = "refused" // not as it is
	failed   = "failed"  // perhaps later
)

func outcomes() []string { return []string{accepted, refused, failed} }

// outcome is what an HTTP status comes to.
func outcome(status int) string {
	switch {
	case status >= 200 && status < 300:
		return accepted
	case status == http.StatusTooManyRequests || status >= 500 || status < 200:
		return failed
	}
	return refused
}

// SkillAnswered counts an answer at the copilot's door.
func (m *Metrics) SkillAnswered(status int) { m.skill.WithLabelValues(outcome(status)).Inc() }

// Reacted counts a reaction of a user to a message.
func (m *Metrics) Reacted() { m.reactions.Inc() }

// WebhookAnswered counts an answer at the hubs' door.
func (m *Metrics) WebhookAnswered(status int) { m.webhooks.WithLabelValues(outcome(status)).Inc() }

// Tokens returns a transport that counts what token endpoints answer.
func (m *Metrics) Tokens(rt http.RoundTripper) http.RoundTripper {
	return transport(func(r *http.Request) (*http.Response, error) {
		resp, err := rt.RoundTrip(r)
		if err != nil {
			m.tokens.WithLabelValues(failed).Inc()
			return nil, err
		}
		m.tokens.WithLabelValues(outcome(resp.StatusCode)).Inc()
		return resp, nil
	})
}

type transport func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }
