package contoso

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

const (
	maxQueues    = 100
	maxQueueName = 100 // characters, as the desk's field
)

// checkQueues returns what is wrong with queues by themselves.
func checkQueues(queues []queueEntry) error {
	if len(queues) > maxQueues {
		return invalid("queues", "more than %d", maxQueues)
	}
	names, ids := map[string]bool{}, map[int64]bool{}
	for i := range queues {
		q, field := &queues[i], fmt.Sprintf("queues[%d]", i)
		q.Name = strings.TrimSpace(q.Name)
		switch {
		case q.Name == "":
			return invalid(field+".name", "expected a name")
		case utf8.RuneCountInString(q.Name) > maxQueueName:
			return invalid(field+".name", "longer than %d characters", maxQueueName)
		case strings.ContainsFunc(q.Name, unicode.IsControl):
			return invalid(field+".name", "%q has characters that cannot be seen", q.Name)
		case names[strings.ToLower(q.Name)]:
			return invalid(field+".name", "%q is there twice", q.Name)
		case q.ID != 0 && ids[q.ID]:
			return invalid(field+".id", "%d is there twice", q.ID)
		}
		names[strings.ToLower(q.Name)], ids[q.ID] = true, true
		if _, err := q.Hours.schedule(field + ".hours"); err != nil {
			return err
		}
	}
	return nil
}

func byID(queues []queueEntry) map[int64]queueEntry {
	all := map[int64]queueEntry{}
	for _, q := range queues {
		all[q.ID] = q
	}
	return all
}

// queueDifferences says what becomes of each queue that does not stay as it was.
func queueDifferences(was, next []queueEntry) []string {
	var all []string
	before, after := byID(was), byID(next)
	for _, q := range was {
		if _, stays := after[q.ID]; !stays {
			all = append(all, fmt.Sprintf("queue %q removed", q.Name))
		}
	}
	for _, q := range next {
		old, known := before[q.ID]
		switch {
		case !known:
			all = append(all, fmt.Sprintf("queue %q added", q.Name))
		case old.Name != q.Name:
			all = append(all, fmt.Sprintf("queue %q renamed to %q", old.Name, q.Name))
		case !reflect.DeepEqual(old.Hours, q.Hours):
			all = append(all, fmt.Sprintf("hours of queue %q", q.Name))
		}
	}
	return all
}

const removeQueuesSQL = `
DELETE FROM contoso.queue
WHERE id <> ALL (@kept)`

const updateQueueSQL = `
UPDATE contoso.queue
SET name = @name, hours = @hours
WHERE id = @id`

const insertQueueSQL = `
INSERT INTO contoso.queue (name, hours)
VALUES (@name, @hours)`

// changeQueues makes the queues those of next. One whose users would be left
// alone is not removed; renamed ones take theirs along.
func changeQueues(ctx context.Context, tx pgx.Tx, was, next []queueEntry) error {
	before, after := byID(was), byID(next)
	for _, q := range was {
		if _, stays := after[q.ID]; !stays && q.Open > 0 {
			return invalid("queues", "%q has %d open conversations and cannot be removed", q.Name, q.Open)
		}
	}
	var batch pgx.Batch
	var from, to []string
	kept := []int64{}
	for i, q := range next {
		sql := insertQueueSQL
		if q.ID != 0 {
			old, known := before[q.ID]
			if !known {
				return invalid(fmt.Sprintf("queues[%d].id", i), "%d is no queue", q.ID)
			}
			kept = append(kept, q.ID)
			sql = updateQueueSQL
			if old.Name != q.Name {
				from, to = append(from, old.Name), append(to, q.Name)
			}
		}
		batch.Queue(sql, pgx.NamedArgs{"id": q.ID, "name": q.Name, "hours": q.Hours})
	}
	if _, err := tx.Exec(ctx, removeQueuesSQL, pgx.NamedArgs{"kept": kept}); err != nil {
		return fmt.Errorf("remove queues: %w", err)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("store queues: %w", err)
	}
	return moveUsers(ctx, tx, from, to)
}

// The event counter's row is locked last, as record does.
const moveUsersSQL = `
WITH moved AS (
    UPDATE contoso.conversation c
    SET queue = renamed.name
    FROM unnest(@from::text[], @to::text[]) AS renamed (old, name)
    WHERE c.queue = renamed.old
    AND c.state <> 'ended'
    RETURNING c.id),
step AS (
    UPDATE contoso.event_counter
    SET value = value + (SELECT count(*) FROM moved)
    RETURNING value)
INSERT INTO contoso.event (seq, conversation_id)
SELECT step.value - (SELECT count(*) FROM moved) + row_number() OVER (), moved.id
FROM step, moved`

// moveUsers gives the open conversations of renamed queues the new names, and
// records that.
func moveUsers(ctx context.Context, tx pgx.Tx, from, to []string) error {
	if len(from) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, moveUsersSQL, pgx.NamedArgs{"from": from, "to": to}); err != nil {
		return fmt.Errorf("move users of renamed queues: %w", err)
	}
	return nil
}
