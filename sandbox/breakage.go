package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

// A Part is a program beside the sandbox that the page can break.
type Part struct {
	ID, Title, Text string
	Break           func()
	Mend            func() // nil for one that comes back by itself
}

// SetParts offers parts on the page. What comes of breaking them is for
// [Sandbox.Happened].
func (s *Sandbox) SetParts(parts ...Part) {
	s.update(func() { s.parts = parts })
}

// Happened writes on the page, beside what can be broken by the id, what came of
// it.
func (s *Sandbox) Happened(id, what string) {
	s.update(func() {
		s.happened = append(s.happened, happening{id, what, time.Now().UTC()})
		s.happened = slices.Delete(s.happened, 0, max(0, len(s.happened)-keptHappenings))
	})
}

// A happening is what came of a fault.
type happening struct {
	ID   string    `json:"id"` // of the breakage
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

const keptHappenings = 50

// A breakage is something the page offers to break: a part, or a leg of the
// sandbox.
type breakage struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
	leg   Leg
	fault Fault
}

func breakages() []breakage {
	return []breakage{
		{"teams-slow", "Teams is slow", "The next post into Teams takes five seconds.", Connector, Fault{Delay: 5 * time.Second, Times: 1}},
		{"teams-429", "Teams throttles", "The next post into Teams is answered with 429 and Retry-After: 3.", Connector, Fault{Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second, Times: 1}},
		{"teams-500", "Teams fails", "The next post into Teams is answered with 500.", Connector, Fault{Status: http.StatusInternalServerError, Times: 1}},
		{"teams-hang", "Teams hangs", "The next post into Teams gets no answer.", Connector, Fault{Hang: true, Times: 1}},
		{"teams-accept", "Teams accepts, then breaks", "The next post arrives, but its sender reads a broken connection.", Connector, Fault{Accept: true, Reset: true, Times: 1}},
		{"teams-refused", "Teams refuses a line", "The next post into Teams is answered with 400.", Connector, Fault{Status: http.StatusBadRequest, Code: "BadArgument", Times: 1}},
		{"teams-blocked", "The user blocks the bot", "Posts into Teams are answered with 403 until all is mended.", Connector, Fault{Status: http.StatusForbidden, Code: "ConversationBlockedByUser"}},
		{"host-down", "Copilot Studio is down", "The skill's answers are refused with 503 until all is mended.", SkillHost, Fault{Status: http.StatusServiceUnavailable}},
		{"file-expired", "Download links expire", "Files the user sends are refused with 403 until all is mended.", Files, Fault{Status: http.StatusForbidden, Code: "accessDenied"}},
		{"file-slow", "Downloads drip", "The next file comes a kilobyte a second.", Files, Fault{Drip: time.Second, Times: 1}},
		{"file-short", "A download breaks off", "The next file ends after 100 bytes.", Files, Fault{Size: 100, Times: 1}},
		{"file-private", "A download leads inside", "The next file redirects to a private address.", Files, Fault{Redirect: "http://169.254.169.254/latest/meta-data/", Times: 1}},
		{"entra-down", "Entra ID is down", "Tokens are refused with 503 until all is mended.", Entra, Fault{Status: http.StatusServiceUnavailable}},
	}
}

// listFaults answers what can be broken, what is, and what came of it.
func (s *Sandbox) listFaults(c *gin.Context) error {
	s.mu.Lock()
	standing, happened := len(s.faults)+len(s.broken), slices.Clone(s.happened)
	all := make([]breakage, 0, len(s.parts)+len(breakages()))
	for _, p := range s.parts {
		all = append(all, breakage{ID: p.ID, Title: p.Title, Text: p.Text})
	}
	s.mu.Unlock()
	c.JSON(http.StatusOK, gin.H{"faults": append(all, breakages()...), "standing": standing, "happened": append([]happening{}, happened...)})
	return nil
}

func (s *Sandbox) orderFault(c *gin.Context) error {
	var in struct{ ID string }
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	if !s.breakPart(in.ID) {
		all := breakages()
		i := slices.IndexFunc(all, func(b breakage) bool { return b.ID == in.ID })
		if i < 0 {
			return web.BadRequest("no such fault")
		}
		s.fault(all[i].leg, all[i].fault, in.ID)
	}
	return s.listFaults(c)
}

// breakPart reports whether there is such a part.
func (s *Sandbox) breakPart(id string) bool {
	s.mu.Lock()
	i := slices.IndexFunc(s.parts, func(p Part) bool { return p.ID == id })
	if i < 0 {
		s.mu.Unlock()
		return false
	}
	part := s.parts[i]
	fresh := !s.broken[id]
	if part.Mend != nil {
		s.broken[id] = true
	}
	s.mu.Unlock()
	if fresh {
		part.Break()
	}
	return true
}

func (s *Sandbox) endFaults(c *gin.Context) error {
	for _, leg := range []Leg{Entra, Keys, Connector, SkillHost, SignIn, Files} {
		s.ClearFaults(leg)
	}
	s.mu.Lock()
	parts := slices.DeleteFunc(slices.Clone(s.parts), func(p Part) bool { return !s.broken[p.ID] })
	clear(s.broken)
	s.mu.Unlock()
	for _, p := range parts {
		p.Mend()
	}
	return s.listFaults(c)
}

// came writes on the page what came of a request of a leg: that it was hit by a
// fault the page ordered, or that it was the first to succeed after one.
func (s *Sandbox) came(r *Request, f standingFault) {
	s.mu.Lock()
	hurt, was := s.hurt[r.Leg]
	switch {
	case f.id != "":
		s.hurt[r.Leg] = wound{f.id, time.Now()}
	case was && r.Status > 0 && r.Status < http.StatusBadRequest:
		delete(s.hurt, r.Leg)
	default:
		was = false
	}
	s.mu.Unlock()
	switch {
	case f.id != "":
		s.Happened(f.id, f.outcome(r))
	case was:
		s.Happened(hurt.id, fmt.Sprintf("%s answered the next with %d, %s later.",
			name(r.Leg), r.Status, time.Since(hurt.at).Round(100*time.Millisecond)))
	}
}

// A wound is what a leg's callers have not got over yet.
type wound struct {
	id string
	at time.Time
}

// outcome says what a fault did to a request.
func (f standingFault) outcome(r *Request) string {
	verb := map[string]string{http.MethodPut: "change", http.MethodDelete: "deletion", http.MethodGet: "download"}[r.Method]
	if verb == "" {
		verb = "post"
	}
	switch {
	case r.Status == statusNone && f.Accept:
		return fmt.Sprintf("%s took a %s and broke the connection.", name(r.Leg), verb)
	case r.Status == statusNone:
		return fmt.Sprintf("%s gave a %s no answer, for %s.", name(r.Leg), verb, time.Since(r.At).Round(100*time.Millisecond))
	}
	return fmt.Sprintf("%s answered a %s with %d, after %s.", name(r.Leg), verb, r.Status, time.Since(r.At).Round(100*time.Millisecond))
}

// name is a leg's on the page.
func name(leg Leg) string {
	switch leg {
	case Entra, Keys, SignIn:
		return "Entra ID"
	case SkillHost, CopilotTokens:
		return "Copilot Studio"
	case Files:
		return "OneDrive"
	case DirectLine, DirectLineStream:
		return "Direct Line"
	case Connector:
	}
	return "Teams"
}
