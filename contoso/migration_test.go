package contoso_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/schema"
)

// What the release before stored is served as it was.
func TestMigration_of_a_filled_database(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	now := contoso.Schema()
	before := schema.Set{FS: fstest.MapFS{}, Table: now.Table}
	for _, name := range []string{"001_contoso.sql", "002_session.sql"} {
		text, err := fs.ReadFile(now.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		before.FS.(fstest.MapFS)[name] = &fstest.MapFile{Data: text}
	}
	if err := schema.Up(t.Context(), db, before); err != nil {
		t.Fatal(err)
	}
	_, err := db.Exec(t.Context(), `
		INSERT INTO contoso.start_key (key) VALUES ('k');
		INSERT INTO contoso.conversation (id, start_key, state, started_at) VALUES ('c', 'k', 'active', now() - interval '1 hour');
		INSERT INTO contoso.conversation (id, state, ended_at, ended_by) VALUES ('e', 'ended', now(), 'user');
		INSERT INTO contoso.line (id, conversation_id, event, author, sender, body, key)
		VALUES ('1', 'c', 'message', 'user', 'Alex', 'help', 'm1'), ('2', 'c', 'joined', 'system', 'Ana', 'Ana joined', NULL),
		       ('3', 'c', 'message', 'agent', 'Ana', 'hello', 'm1'), ('4', 'e', 'ended', 'system', '', 'over', NULL);
		INSERT INTO contoso.webhook (line_id, conversation_id, position) SELECT id, conversation_id, position FROM contoso.line WHERE id = '3';`)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Up(t.Context(), db, now); err != nil {
		t.Fatal(err)
	}
	var accepted int // by the line that says so
	if err := db.QueryRow(t.Context(), `SELECT count(accepted_at) FROM contoso.conversation`).Scan(&accepted); err != nil || accepted != 1 {
		t.Errorf("%d conversations were accepted, want 1: %v", accepted, err)
	}
	peer := receive(t, nil)
	h := run(t, db, contoso.Config{WebhookURL: peer.url})
	if got := peer.wait(t, 1)[0]; got.ID != "3" || got.Message != "hello" {
		t.Errorf("told %+v", got)
	}
	want := []said{
		{ConversationID: "c", ID: "1", Message: "help", Sender: "Alex", From: "user"},
		{ConversationID: "c", ID: "3", Message: "hello", Sender: "Ana", From: "agent"},
	}
	got := h.messages(t, "?conversationId=c")
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(said{}, "Timestamp", "Sequence", "State")); diff != "" {
		t.Error(diff)
	}
	h.ok(t, call{path: "/api/chat/edit", body: `{"conversationId":"c","key":"m1","message":"help me"}`}, nil)
	if got := h.standing(t, "c"); got.Key != "k" || got.State != "active" {
		t.Errorf("stands at %+v", got)
	}
}
