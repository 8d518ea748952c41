package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// unrecordedSQL makes the hub's lanes look as a process leaves them that dies when
// the opening is done and not acknowledged, and is missed until its time is up.
const unrecordedSQL = `
	WITH late AS (
		UPDATE delivery
		SET expires_at = now() - interval '1 second'
		WHERE destination LIKE 'hub/%' AND seq = 1
	)
	UPDATE lane
	SET acked_seq = 0, owner = 'gone/x', epoch = epoch + 1, ready_at = now()
	WHERE destination LIKE 'hub/%'`

// TestOpenedIsNotUndone: an opening that was done, but whose record was cut short,
// does not end the conversation when its time is up.
func TestOpenedIsNotUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	user := w.sandbox.User("Megan")
	sandboxtest.Say(t, user, "talk to a person", "help")
	id := w.chat(t).ID
	idle := func() bool {
		var busy int
		err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM lane WHERE ready_at IS NOT NULL`).Scan(&busy)
		return err == nil && busy == 0
	}
	eventually(t, "all is delivered", idle)
	if _, err := w.db.Exec(t.Context(), unrecordedSQL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the opening is settled", idle)
	sandboxtest.Say(t, user, "still there?")
	eventually(t, "the words on the desk", func() bool {
		return cmp.Equal(w.said(t, id), []string{"help", "still there?"})
	})
	if n := w.mappings(t, "waiting"); n != 1 {
		t.Errorf("%d mappings wait, want 1", n)
	}
}
