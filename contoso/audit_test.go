package contoso_test

import (
	"slices"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func TestAudit_has_views_of_what_has_ended(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{}, "CONTOSO_OIDC_SUPERVISORS", "@contoso.com")
	agent := sandboxtest.SignIn(t, o.url, adele)
	open, over := o.open(t, ""), o.open(t, "")
	paths := []string{"conversations/" + open, "conversations/" + over, "conversations/" + open + "/notes", "conversations/" + over + "/notes"}
	for _, id := range []string{open, over} {
		var kept struct{ Attachments []link }
		if err := decode(o.as(t, agent, call{path: "/api/desk/conversations/" + id + "/files?name=a.txt", body: "x"}), &kept); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, "files/"+kept.Attachments[0].ID)
	}
	o.ok(t, call{path: "/api/chat/end", body: `{"conversationId":"` + over + `"}`}, nil)
	for _, path := range paths {
		if got := o.as(t, agent, call{method: "GET", path: "/api/desk/" + path}); got.status != 200 {
			t.Fatal(got)
		}
	}
	// By a session the API is a window on the desk as well; a service is not an agent.
	for _, query := range []string{"?conversationId=" + open, "?conversationId=" + over, ""} {
		if got := o.as(t, agent, call{method: "GET", path: "/api/chat/messages" + query}); got.status != 200 {
			t.Fatal(got)
		}
	}
	o.messages(t, "?conversationId="+over)
	if got := o.as(t, agent, call{method: "PUT", path: "/api/desk/canned", body: `{"name":"hi","text":"Hi"}`}); got.status != 204 {
		t.Fatal(got)
	}
	var out struct{ Audit []trace }
	if err := decode(o.as(t, agent, call{method: "GET", path: "/api/desk/supervisor/audit"}), &out); err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(out.Audit))
	for i, row := range out.Audit {
		if got[i] = row.Action + " " + row.Subject; row.Actor != adele {
			t.Errorf("%s is by %q", got[i], row.Actor)
		}
	}
	if want := []string{"canned hi", "view all", "view " + over, "view " + over, "view " + over, "view " + over}; !slices.Equal(got, want) {
		t.Errorf("audit has %q, want %q", got, want)
	}
}
