package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestStartsAreBounded: when more starts wait than the hub can open in time, the
// next one is told so at once, and not when its time is over.
func TestStartsAreBounded(t *testing.T) {
	t.Parallel()
	hub := newMeddler(t)
	w := build(t, sandbox.Config{}, "LIAISON_HUB_CONTOSO_URL="+hub.url, "LIAISON_OPENINGS=3")
	hub.to(t, w.hub.url())
	hub.spoil(slices.Repeat([]http.HandlerFunc{hangs}, 100)...)
	w.service.start()
	t.Cleanup(w.service.stop)
	token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	for n := range 3 {
		a := turn(w, fmt.Sprint("start ", n), event("startConversation"))
		a["conversation"] = map[string]any{"id": fmt.Sprint("a:", n), "conversationType": "personal", "tenantId": tenantID}
		if status, answer := w.post(t, "/api/messages", token, a); status != http.StatusAccepted {
			t.Fatalf("status %d %s", status, answer)
		}
	}
	d := w.doorsOf(t, &pairing{user: w.sandbox.User("Megan")})
	a := turn(w, "one too many", event("startConversation"))
	a["conversation"], a["deliveryMode"] = d.conv, "expectReplies"
	began := time.Now()
	status, answer := w.post(t, "/api/messages", token, a)
	if took := time.Since(began); status != http.StatusOK || !strings.Contains(answer, "hubUnavailable") || took > copilotWaits/3 {
		t.Errorf("status %d after %s: %s", status, took, answer)
	}
	if open, failed := w.mappings(t, "opening"), w.mappings(t, "failed"); open != 3 || failed != 1 {
		t.Errorf("%d are opening and %d failed, want 3 and 1", open, failed)
	}
}
