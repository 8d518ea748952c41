package bridgemodel

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/bridge"
)

// line is one replica's way to Entra ID, to Teams and to the copilot. It ends with
// the replica.
type line struct {
	*world

	by *life
}

// RoundTrip implements http.RoundTripper.
func (l line) RoundTrip(req *http.Request) (*http.Response, error) {
	if l.by.cut.Load() {
		return nil, errCut
	}
	if !strings.HasSuffix(req.URL.Host, ".example") {
		return answer(req, http.StatusOK, `{"access_token":"t","token_type":"Bearer","expires_in":86400}`), nil
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	var a activity.Activity
	if err := json.NewDecoder(req.Body).Decode(&a); err != nil {
		return nil, err
	}
	_ = req.Body.Close()
	_, rest, _ := strings.Cut(req.URL.EscapedPath(), "/v3/conversations/")
	id, rest, _ := strings.Cut(rest, "/activities")
	id, _ = url.PathUnescape(id)
	t := l.talks[id]
	if req.URL.Host == "teams.example" {
		return l.teams(req, t, a)
	}
	return l.copilot(req, t, a, strings.TrimPrefix(rest, "/"))
}

func answer(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: req, Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)),
	}
}

// statuses are faults in HTTP.
func (f fault) answer(req *http.Request) (*http.Response, error) {
	switch f {
	case away:
		return answer(req, http.StatusServiceUnavailable, ""), nil
	case refuse:
		return answer(req, http.StatusBadRequest, ""), nil
	case silent, belated:
		return nil, req.Context().Err()
	case none, slow, vague, lost:
	}
	return answer(req, http.StatusInternalServerError, ""), nil
}

// teams shows the user an activity.
func (l line) teams(req *http.Request, t *talk, a activity.Activity) (*http.Response, error) {
	t.mu.Lock()
	f, blocked := t.teamsFaults.next(), t.blocked
	t.mu.Unlock()
	if blocked {
		t.note("teams: blocked, %q", a.Text)
		return answer(req, http.StatusForbidden, ""), nil
	}
	if !f.before(req.Context()) || l.by.cut.Load() {
		t.note("teams: %q met fault %d", a.Text, f)
		return f.answer(req)
	}
	t.mu.Lock()
	if a.Type == activity.TypeMessage {
		t.shown = append(t.shown, a.Text)
		t.log("teams: %s", a.Text)
	}
	t.mu.Unlock()
	if !f.after(req.Context()) {
		return f.answer(req)
	}
	return answer(req, http.StatusCreated, `{"id":"1"}`), nil
}

// copilot takes an answer to a turn, or, with none named, one out of turn.
func (l line) copilot(req *http.Request, t *talk, a activity.Activity, turn string) (*http.Response, error) {
	turn, _ = url.PathUnescape(turn)
	t.mu.Lock()
	f, refuses := t.copilotFaults.next(), t.strict && turn == ""
	t.mu.Unlock()
	if refuses {
		t.note("copilot: refused an end out of turn")
		return answer(req, http.StatusBadRequest, ""), nil
	}
	if !f.before(req.Context()) || l.by.cut.Load() {
		t.note("copilot: %s met fault %d", a.Type, f)
		return f.answer(req)
	}
	began, _ := req.Context().Deadline()
	t.mu.Lock()
	t.copilotTakes(turn, a, began.Add(-config().Timeout))
	t.mu.Unlock()
	if !f.after(req.Context()) {
		return f.answer(req)
	}
	return answer(req, http.StatusOK, ""), nil
}

// copilotTakes is the topics' part: who the copilot thinks has the conversation.
func (t *talk) copilotTakes(turn string, a activity.Activity, attempt time.Time) {
	var out bridge.Outputs
	if a.Type != activity.TypeEndOfConversation {
		return
	}
	_ = json.Unmarshal(a.Value, &out)
	t.log("copilot: end of %q: %s %s %q", turn, out.Status, out.LiveChatConversationID, out.PendingText)
	if word := out.PendingText; word != "" && !slices.Contains(t.answered, word) {
		t.answered = append(t.answered, word)
	}
	switch {
	case turn == "" && t.elsewhere(out.LiveChatConversationID, attempt):
		t.wrong("R9: the end of %s reached the copilot when the user had begun anew", out.LiveChatConversationID)
	case strings.HasPrefix(turn, "start") && turn != t.start:
	case strings.HasPrefix(turn, "start") && (out.Status == "connected" || out.Status == "queued"):
		t.escalated, t.with = true, out.LiveChatConversationID
		t.settleStart()
	default:
		t.escalated = false
		if turn == t.start {
			t.settleStart()
		}
	}
}

var wordForm = regexp.MustCompile(`\b[ua]\d+\b`)

// word finds the word in what a peer was shown, or "".
func word(text string) string { return wordForm.FindString(text) }
