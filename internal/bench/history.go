package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// perConversation is how many finished deliveries a conversation of the past has.
const perConversation = 20

// pastSQL writes conversations that are over, half of their deliveries to the hub
// and half to Teams, with everything the service keeps of them. A delivery is as
// long as one of the service's own.
func pastSQL() []string {
	return []string{
		`INSERT INTO mapping (id, state, bot_app_id, conversation_id, tenant_id, user_id, hub, hub_conversation, teams, connector,
			closed_by, opened_at, ended_at, closed_at)
		OVERRIDING SYSTEM VALUE
		SELECT c, 'closed', @bot, 'a:past-' || c, @tenant, '29:past-' || c, 'contoso', 'past-' || c,
			json_build_object('serviceUrl', @connector::text, 'conversation', json_build_object('id', 'a:past-' || c)), @connector,
			'user', now(), now(), now()
		FROM generate_series(1, @conversations::int) AS c`,
		`SELECT setval(pg_get_serial_sequence('mapping', 'id'), @conversations::int)`,
		`INSERT INTO lane (destination, conversation, last_seq, acked_seq, epoch)
		SELECT d.destination, d.prefix || c, @each::int / 2, @each::int / 2, 1
		FROM generate_series(1, @conversations::int) AS c,
			(VALUES ('hub/contoso', 'mapping '), ('teams', @bot || '|a:past-')) AS d (destination, prefix)`,
		`INSERT INTO delivery (destination, conversation, seq, key, payload, settle)
		SELECT d.destination, d.prefix || c, n, c || '-' || n || d.prefix, @payload::json, false
		FROM generate_series(1, @conversations::int) AS c, generate_series(1, @each::int / 2) AS n,
			(VALUES ('hub/contoso', 'mapping '), ('teams', @bot || '|a:past-')) AS d (destination, prefix)`,
		`INSERT INTO accepted (scope, key)
		SELECT d.prefix || c, c || '-' || n
		FROM generate_series(1, @conversations::int) AS c, generate_series(1, @each::int / 2) AS n,
			(VALUES ('turn|' || @bot || '|a:past-'), ('hub/contoso|past-')) AS d (prefix)`,
		`INSERT INTO attempt (destination, conversation, seq, began_at, took, class, status, ambiguous, owner)
		SELECT d.destination, d.prefix || c, n, now(), interval '5 ms', 'delivered', 200, false, 'replica|127.0.0.1:5001/ABCDEFGHIJKLMNOPQRSTUVWXYZ'
		FROM generate_series(1, @conversations::int) AS c, generate_series(1, @each::int / 2) AS n,
			(VALUES ('hub/contoso', 'mapping '), ('teams', @bot || '|a:past-')) AS d (destination, prefix)`,
		`INSERT INTO entry (mapping, side, name, text, key)
		SELECT c, CASE n % 2 WHEN 0 THEN 'user' ELSE 'agent' END, 'Ann', @text::text, c || '-' || n
		FROM generate_series(1, @conversations::int) AS c, generate_series(1, @each::int) AS n`,
	}
}

// fillPast writes finished deliveries into a database that has none.
func (r *rig) fillPast(ctx context.Context, pool *pgxpool.Pool, deliveries int) error {
	args := pgx.NamedArgs{
		"connector": r.peers.url() + "/teams/",
		"bot":       copilotID, "tenant": tenantID, "text": line, "each": perConversation,
		"conversations": deliveries / perConversation, "payload": pastPayload,
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// What is generated refers to what is generated: checking each row would
		// take most of the time.
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		for _, sql := range pastSQL() {
			if _, err := tx.Exec(ctx, sql, args); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write the past: %w", err)
	}
	return settleDown(ctx, pool, "VACUUM (ANALYZE)")
}

// pastPayload is as long as what the service stores of a line.
const pastPayload = `{"mapping":1,"say":{"key":"1/7x1234","sender":"Person 1","text":"` + line + `","problem":"The parcel holds the wrong things","variables":{"Order":"4711"}}}`

// settleDown does what the database would otherwise do while something is
// measured.
func settleDown(ctx context.Context, pool *pgxpool.Pool, tidy string) error {
	for _, sql := range []string{tidy, `CHECKPOINT`} {
		if _, err := pool.Exec(ctx, sql); err != nil {
			return fmt.Errorf("tidy the database: %w", err)
		}
	}
	return nil
}

// history compares a service whose database is new with one that has a past.
func (c *campaign) history(ctx context.Context) error {
	var services [2]*service // new, old
	for i, name := range []string{"new", "old"} {
		s, err := c.withPast(ctx, name, i*c.scale.history)
		if err != nil {
			return err
		}
		defer s.close()
		l := c.group(i)
		l.kind = userStarts
		if _, err := s.target().put(ctx, l); err != nil {
			return s.blame(err)
		}
		if err := c.greet(ctx, s, l); err != nil {
			return s.blame(err)
		}
		services[i] = s
	}
	for range c.scale.comparisons {
		for i, s := range services {
			if err := c.compare(ctx, s, i); err != nil {
				return s.blame(err)
			}
		}
	}
	services[1].stop() // another in this process takes its place
	return c.explain(ctx, services[1].db, "old")
}

// withPast starts a service on a database with finished deliveries.
func (c *campaign) withPast(ctx context.Context, name string, deliveries int) (*service, error) {
	db, err := c.rig.migrated(ctx, name)
	if err != nil {
		return nil, err
	}
	if deliveries > 0 {
		c.say("writing %d finished deliveries", deliveries)
		began := time.Now()
		if err := c.rig.fillPast(ctx, db, deliveries); err != nil {
			db.Close()
			return nil, err
		}
		c.report.filled = time.Since(began)
	}
	return c.rig.serve(ctx, name, db, c.Program, "serve")
}

func (c *campaign) compare(ctx context.Context, s *service, i int) error {
	for _, kind := range directions() {
		l := c.group(i)
		l.kind, l.last = kind, c.scale.compare
		r, err := s.target().put(ctx, l)
		if err != nil {
			return err
		}
		add(c.report.compared, compared{kind, i == 1}, r)
		c.say("%d finished deliveries, %s: %s", i*c.scale.history, kind, r)
	}
	return nil
}

// group is a load of one of the two groups of people to compare.
func (c *campaign) group(i int) load {
	return load{
		workers: c.scale.mostWorkers(), people: c.scale.compared,
		first: c.scale.mostConversations() + c.scale.mostWorkers() + i*c.scale.compared,
	}
}

// laterSQL writes deliveries that wait: most of them for their next try, some due
// now for whoever looks first.
func laterSQL() []string {
	return []string{
		`INSERT INTO lane (destination, conversation, last_seq, ready_at, epoch)
		SELECT 'hub/contoso', 'mapping later ' || c, @each::int, CASE WHEN c <= @due::int THEN now() ELSE now() + interval '1 day' END, 1
		FROM generate_series(1, @conversations::int) AS c`,
		`INSERT INTO delivery (destination, conversation, seq, key, payload, settle)
		SELECT 'hub/contoso', 'mapping later ' || c, n, 'later-' || c || '-' || n, @payload::json, false
		FROM generate_series(1, @conversations::int) AS c, generate_series(1, @each::int) AS n`,
	}
}

// fillPending writes deliveries that wait, behind due lanes that are to be taken
// at once. What the database believes of mappings stays as old as the past is: it
// often is when a day begins.
func fillPending(ctx context.Context, pool *pgxpool.Pool, deliveries, due int) error {
	args := pgx.NamedArgs{
		"each": perConversation, "conversations": deliveries / perConversation, "due": due, "payload": pastPayload,
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, sql := range laterSQL() {
			if _, err := tx.Exec(ctx, sql, args); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write what waits: %w", err)
	}
	return settleDown(ctx, pool, "VACUUM (ANALYZE) lane, delivery")
}
