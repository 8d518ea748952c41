package contoso_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// report tells what became of a message, "" for the user, and returns the status.
func (h hub) report(tb testing.TB, conversation, message, what string) int {
	tb.Helper()
	return h.do(tb, call{path: "/api/chat/report", body: jsonOf(tb, map[string]string{
		"conversationId": conversation, "messageId": message, "report": what, "reason": "refused",
	})}).status
}

// A reported is what the desk knows of a message's fate.
type reported struct{ Message, Report, ReportReason, ReportSettled string }

func (h hub) reports(tb testing.TB, conversation string) []reported {
	tb.Helper()
	var out struct {
		Lines []struct {
			From string
			reported
		}
	}
	h.ok(tb, call{method: http.MethodGet, path: "/api/desk/conversations/" + conversation}, &out)
	var all []reported
	for _, l := range out.Lines {
		if l.From == "agent" {
			all = append(all, l.reported)
		}
	}
	return all
}

func TestReport_stays_with_the_message(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, "")
	one, two, three := h.say(t, id, "one"), h.say(t, id, "two"), h.say(t, id, "three")
	h.say(t, id, "four")
	h.ok(t, deed(id, "end", ""), nil)
	for _, r := range []struct {
		message, what string
		want          int
	}{
		{one, "unknown", http.StatusNoContent},
		{one, "unknown", http.StatusNoContent},
		{two, "unknown", http.StatusNoContent},
		{two, "failed", http.StatusNoContent},
		{three, "failed", http.StatusNoContent},
		{three, "unknown", http.StatusNoContent}, // it is known
		{"nobody's", "failed", http.StatusNotFound},
		{"", "failed", http.StatusNotFound},
		{one, "lost", http.StatusBadRequest},
	} {
		if got := h.report(t, id, r.message, r.what); got != r.want {
			t.Errorf("%s of %q: status %d, want %d", r.what, r.message, got, r.want)
		}
	}
	if got := h.report(t, "nobody's", one, "failed"); got != http.StatusNotFound {
		t.Errorf("of nobody's conversation: status %d", got)
	}
	want := []reported{{"one", "unknown", "refused", ""}, {"two", "failed", "refused", ""}, {"three", "failed", "refused", ""}, {Message: "four"}}
	if diff := cmp.Diff(want, h.reports(t, id)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReport_an_agent_says_it_again_or_leaves_it_once(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	one, two, three := h.say(t, id, "one"), h.say(t, id, "two"), h.say(t, id, "three")
	for _, message := range []string{one, two} {
		h.report(t, id, message, "unknown")
	}
	for range 2 {
		h.ok(t, deed(id, "messages/"+one+"/again", `{"sender":"Bo"}`), nil)
		h.ok(t, deed(id, "messages/"+two+"/leave", ""), nil)
	}
	h.ok(t, deed(id, "messages/"+two+"/again", ""), nil) // it is decided
	want := []reported{{"one", "unknown", "refused", "again"}, {"two", "unknown", "refused", "left"}, {Message: "three"}, {Message: "one"}}
	if diff := cmp.Diff(want, h.reports(t, id)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := peer.wait(t, 5)[4]; got.Message != "one" || got.Sender != "Bo" {
		t.Errorf("told %+v, want the words again, as a new message", got)
	}
	if got := h.do(t, deed(id, "messages/"+three+"/leave", "")); got.status != http.StatusConflict {
		t.Errorf("what nobody reported: %v", got)
	}
	if got := h.do(t, deed(id, "messages/nobody's/again", "")); got.status != http.StatusNotFound {
		t.Errorf("an unknown message: %v", got)
	}
	h.report(t, id, three, "failed")
	h.ok(t, deed(id, "end", ""), nil)
	if got := h.do(t, deed(id, "messages/"+three+"/again", "")); got.status != http.StatusConflict {
		t.Errorf("again after the end: %v", got)
	}
	h.ok(t, deed(id, "messages/"+three+"/leave", ""), nil)
}

func TestReport_of_the_user(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, "")
	isUnreachable := func() bool {
		var out struct{ Conversation struct{ Unreachable bool } }
		h.ok(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + id}, &out)
		return out.Conversation.Unreachable
	}
	for _, r := range []struct {
		what string
		want bool
	}{{"reachable", false}, {"unreachable", true}, {"unreachable", true}, {"reachable", false}} {
		if got := h.report(t, id, "", r.what); got != http.StatusNoContent || isUnreachable() != r.want {
			t.Errorf("%s: status %d, unreachable %t", r.what, got, isUnreachable())
		}
	}
}
