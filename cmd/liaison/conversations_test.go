package main

import (
	"testing"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestPurge: what can go goes and is counted, what cannot is said; again, nothing
// is left to do.
func TestPurge(t *testing.T) {
	db := pgtest.DB(t, migrations.Schema())
	t.Setenv("DATABASE_URL", pgtest.URL(db))
	_, err := db.Exec(t.Context(), `
		WITH m AS (
			INSERT INTO mapping (state, bot_app_id, conversation_id, tenant_id, user_id, hub, hub_conversation, teams, closed_by, closed_at)
			VALUES ('closed', 'bot', 'a', 't', '29:user', 'h', '1', '{}', 'user', now()),
				('active', 'bot', 'a', 't', '29:user', 'h', '2', '{}', NULL, NULL)
			RETURNING id
		)
		INSERT INTO entry (mapping, side, name, text, key)
		SELECT id, 'user', 'Ann', 'hello', ''
		FROM m`)
	if err != nil {
		t.Fatal(err)
	}
	const goOn = "1 conversations go on: what was said in them so far is deleted; repeat this when they are over\n"
	for _, tc := range []struct{ hub, want string }{
		{"contoso", "deleted of hubs' own chats: 0 conversations, 0 deliveries, 0 attempts\n"},
		{"", "deleted: 1 conversations, 2 entries, 0 deliveries, 0 attempts, 0 files, 0 links\n" + goOn},
		{"", "deleted: 0 conversations, 0 entries, 0 deliveries, 0 attempts, 0 files, 0 links\n" + goOn},
	} {
		c, out := terminal()
		if err := (purgeCmd{User: "29:user", Hub: tc.hub, As: "operator"}).Run(t.Context(), c); err != nil || out.String() != tc.want {
			t.Errorf("at %q printed %q, %v; want %q", tc.hub, out, err, tc.want)
		}
	}
	var record string
	err = db.QueryRow(t.Context(), `SELECT actor || ' ' || action || ' ' || subject || ' ' || (detail ->> 'entries') FROM audit`).Scan(&record)
	if err != nil || record != "operator purge user 2" {
		t.Errorf("on record is %q, %v", record, err)
	}
}

func TestPurgeNeedsAUser(t *testing.T) {
	t.Parallel()
	c, _ := terminal()
	if err := (purgeCmd{}).Run(t.Context(), c); err == nil {
		t.Error("nobody in particular was purged")
	}
}
