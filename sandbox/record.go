package sandbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

// keepRequests bounds what is remembered of a leg, so that a demo may run for days.
const keepRequests = 10_000

// A Leg is one of the roads into the sandbox.
type Leg int

// The legs.
const (
	Entra            Leg = iota // the token endpoint
	Keys                        // discovery and keys of both issuers
	Connector                   // Teams' Bot Connector
	SkillHost                   // the runtime of Copilot Studio, where skills answer
	SignIn                      // Entra's page where people sign in, and where they sign out
	Files                       // users' files and pictures, and where a bot's are uploaded
	CopilotTokens               // Copilot Studio's endpoints for Direct Line
	DirectLine                  // Direct Line's calls
	DirectLineStream            // its streams, answered when they end
)

// A Request is a request the sandbox received.
type Request struct {
	Leg    Leg
	Method string
	Path   string         // escaped, as it came
	Header http.Header    // without Authorization
	Claims map[string]any // of the bearer token, verified or not; nil without one
	Body   []byte         // without client secrets
	At     time.Time
	Status int // of the answer; 0 while there is none
}

// A TokenRequest is what the token endpoint was asked.
type TokenRequest struct {
	ClientID string
	Scope    string
	At       time.Time
	Status   int
}

// A Call is a call of the skill by the copilot.
type Call struct {
	Activity activity.Activity
	Body     json.RawMessage // as it was sent
	Status   int             // of the answer; 0 when none came
	Took     time.Duration
}

// A record remembers requests and violations.
type record struct {
	requests   map[Leg][]*Request
	answered   map[Leg]int
	calls      []Call
	violations []string
}

// Requests returns the requests of a leg, oldest first.
func (s *Sandbox) Requests(leg Leg) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Request
	for _, r := range s.record.requests[leg] {
		all = append(all, *r)
	}
	return all
}

// WaitRequests blocks until n requests of a leg have been answered since the
// sandbox was made, and returns those still remembered. It ends with ctx.
func (s *Sandbox) WaitRequests(ctx context.Context, leg Leg, n int) ([]Request, error) {
	if err := s.await(ctx, func() bool { return s.record.answered[leg] >= n }); err != nil {
		return nil, fmt.Errorf("wait for %d requests: %w", n, err)
	}
	return s.Requests(leg), nil
}

// TokenRequests returns what the token endpoint was asked, oldest first.
func (s *Sandbox) TokenRequests() []TokenRequest {
	var all []TokenRequest
	for _, r := range s.Requests(Entra) {
		form, _ := url.ParseQuery(string(r.Body)) // what does not parse was refused
		client := form.Get("client_id")
		all = append(all, TokenRequest{ClientID: client, Scope: form.Get("scope"), At: r.At, Status: r.Status})
	}
	return all
}

// Calls returns the calls of the skill that are over, oldest first.
func (s *Sandbox) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.record.calls)
}

// Violations returns what peers did that a careful peer does not, in words.
func (s *Sandbox) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.record.violations)
}

// violate remembers a violation.
func (s *Sandbox) violate(format string, args ...any) {
	s.update(func() { s.record.violations = append(s.record.violations, fmt.Sprintf(format, args...)) })
}

// remember records that q arrived.
func (s *Sandbox) remember(leg Leg, q request) *Request {
	header := q.Request.Header.Clone()
	header.Del("Authorization")
	kept := &Request{
		Leg: leg, Method: q.Request.Method, Path: q.Request.URL.EscapedPath(), Header: header,
		Claims: unverifiedClaims(q.bearer()), Body: q.body, At: time.Now(),
	}
	if leg == Entra {
		kept.Body = withoutSecret(q)
	}
	s.update(func() {
		s.record.requests[leg] = latest(append(s.record.requests[leg], kept))
	})
	return kept
}

// settle records how q was answered.
func (s *Sandbox) settle(kept *Request, status int) {
	s.update(func() {
		kept.Status = status
		s.record.answered[kept.Leg]++
	})
}

// latest drops the oldest of what is more than to be kept.
func latest[T any](all []T) []T {
	return slices.Delete(all, 0, max(0, len(all)-keepRequests))
}

// withoutSecret returns the form of a token request without what proves the
// client, and with the client's id wherever it was given.
func withoutSecret(q request) []byte {
	form, err := url.ParseQuery(string(q.body))
	if err != nil {
		return nil
	}
	client, _ := clientOf(q, form)
	form.Set("client_id", client)
	for _, secret := range []string{"client_secret", "client_assertion", "code", "code_verifier"} {
		form.Del(secret)
	}
	return []byte(form.Encode())
}

// unverifiedClaims reads a token without believing it.
func unverifiedClaims(token string) map[string]any {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	var claims map[string]any
	_ = json.Unmarshal(payload, &claims) // not a token: no claims
	return claims
}
