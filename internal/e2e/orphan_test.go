package e2e

import (
	"context"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestEndRefused: a conversation whose end the hub does not take is told of, is a
// letter, and ends when that is redriven.
func TestEndRefused(t *testing.T) {
	t.Parallel()
	hub := newMeddler(t)
	w := build(t, sandbox.Config{}, "LIAISON_HUB_CONTOSO_URL="+hub.url)
	hub.to(t, w.hub.url())
	w.tune = func(c *app.Config) { c.Reconcile = time.Hour } // which would meet the fault
	w.service.start()
	t.Cleanup(w.service.stop)
	k := w.escalate(t, "Megan")
	eventually(t, "nothing is under way", func() bool {
		var busy int
		err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM lane WHERE acked_seq < last_seq`).Scan(&busy)
		return err == nil && busy == 0
	})
	hub.spoil(refuses)
	status, answer := w.post(t, "/api/messages", sandboxtest.Mint(t, w.sandbox, sandbox.Token{}), w.ending(k))
	if status != http.StatusAccepted {
		t.Fatalf("status %d %s", status, answer)
	}
	eventually(t, "a letter", func() bool { return len(w.letters(t)) == 1 })
	eventually(t, "an operator is told", func() bool { return strings.Contains(w.log.String(), `"msg":"end not taken"`) })
	if log := w.log.String(); !strings.Contains(log, k.hub) || !strings.Contains(log, "deadletters ls --destination hub/contoso") {
		t.Error("the log does not say what to do")
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program(t, "liaison"), "deadletters", "ls")
	cmd.Env = []string{"DATABASE_URL=" + pgtest.URL(w.db)}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "hub/contoso") {
		t.Errorf("listed are %s, %v", out, err)
	}
	w.redrive(t, w.letters(t)[0].ID, 1)
	eventually(t, "it ends", func() bool {
		return slices.ContainsFunc(w.chats(t), func(c chat) bool { return c.ID == k.hub && c.State == "ended" })
	})
}

// ending is the user's end of a conversation.
func (w *world) ending(k *pairing) map[string]any {
	a := turn(w, "end", event("endConversation"))
	a["conversation"] = map[string]any{"id": string(k.user.Conversation()), "conversationType": "personal", "tenantId": tenantID}
	return a
}
