package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestCredentialRefused: while Entra refuses our credential, what is to be said
// waits, and the log says what to do. When it is repaired all of it arrives.
func TestCredentialRefused(t *testing.T) {
	t.Parallel()
	for _, f := range []sandbox.Fault{
		{Status: http.StatusUnauthorized, Code: "invalid_client"},
		{Status: http.StatusBadRequest, Code: "unauthorized_client"},
		{Status: http.StatusForbidden, Code: "access_denied"},
	} {
		t.Run(fmt.Sprint(f.Status, f.Code), func(t *testing.T) {
			t.Parallel()
			w := build(t, sandbox.Config{})
			w.service.start()
			t.Cleanup(w.service.stop)
			k := w.escalate(t, "Megan")
			w.service.stop() // and with it the tokens
			w.sandbox.Fault(sandbox.Entra, f)
			w.service.start()
			for _, word := range []string{"one", "two"} {
				w.agentSays(t, k.hub, word)
			}
			eventually(t, "an operator is told", func() bool { return strings.Contains(w.log.String(), `"msg":"credential refused"`) })
			eventually(t, "it is tried again", func() bool { return strings.Count(w.log.String(), `"attempt":3`) > 0 })
			if letters := w.letters(t); len(letters) != 0 {
				t.Errorf("given up are %+v", letters)
			}
			w.sandbox.ClearFaults(sandbox.Entra)
			sandboxtest.WaitLine(t, k.user, sandbox.ByAgent, "two")
			if diff := cmp.Diff([]string{"**Bo**: one", "**Bo**: two"}, w.spoken(k.user)); diff != "" {
				t.Errorf("in Teams (-want +got):\n%s", diff)
			}
		})
	}
}
