package bridge

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/mapping"
)

// Purged counts what a purge deleted, and what it had to leave.
type Purged struct {
	Conversations int64 `json:"conversations"`
	Entries       int64 `json:"entries"`
	Deliveries    int64 `json:"deliveries"`
	Attempts      int64 `json:"attempts"`
	Files         int64 `json:"files"`
	Handoffs      int64 `json:"handoffs"` // links that were made for the user

	Open int `json:"open"` // conversations that go on; nothing is ended
	Left int `json:"left"` // conversations that are over, with deliveries nobody decided about or that are under way
}

// none reports whether nothing was deleted.
func (p Purged) none() bool {
	p.Open, p.Left = 0, 0
	return p == Purged{}
}

const purgeAuditSQL = `
	INSERT INTO audit (actor, action, subject, detail)
	VALUES (@actor, 'purge', 'user', @detail)`

// Purge deletes what a user said and was told: the words of all their
// conversations, and the conversations that are over with everything that was
// delivered in them. It ends nothing; see [Purged]. What it did is on record with
// actor's name and without the user's. Repeating it deletes what has come to its
// end since.
func Purge(ctx context.Context, pool *pgxpool.Pool, actor, user string) (Purged, error) {
	var did Purged
	err := delivery.Persist(ctx, pool, func(tx pgx.Tx) error {
		did = Purged{}
		// Everybody's order: links, mappings, then lanes.
		if err := did.purgeHandoffs(ctx, tx, user); err != nil {
			return err
		}
		all, err := mapping.LockOfUser(ctx, tx, user)
		if err != nil {
			return err
		}
		if err := did.purge(ctx, tx, all); err != nil || did.none() {
			return err
		}
		_, err = tx.Exec(ctx, purgeAuditSQL, pgx.NamedArgs{"actor": actor, "detail": did})
		return err
	})
	if err != nil {
		return Purged{}, fmt.Errorf("purge: %w", err)
	}
	return did, nil
}

// purgeHandoffs deletes links, which know users by their object ids alone.
func (p *Purged) purgeHandoffs(ctx context.Context, tx pgx.Tx, user string) error {
	ids, err := mapping.DirectoryIDs(ctx, tx, user)
	if err != nil {
		return err
	}
	for _, id := range append(ids, user) {
		n, err := handoff.DeleteOfUser(ctx, tx, id)
		if err != nil {
			return err
		}
		p.Handoffs += n
	}
	return nil
}

func (p *Purged) purge(ctx context.Context, tx pgx.Tx, all []mapping.Mapping) error {
	var ids []mapping.ID
	var lanes []delivery.LaneID
	var owners []string
	for _, m := range all {
		ids, lanes, owners = append(ids, m.ID), append(lanes, lanesOf(m)...), append(owners, fileOwner(m.ID))
	}
	gone, err := delivery.Forget(ctx, tx, unique(lanes)...)
	if err != nil {
		return err
	}
	p.Deliveries, p.Attempts = gone.Deliveries, gone.Attempts
	if p.Entries, err = mapping.Erase(ctx, tx, ids...); err != nil {
		return err
	}
	if p.Files, err = files.DeleteOwned(ctx, tx, owners...); err != nil {
		return err
	}
	kept, err := delivery.Kept(ctx, tx, 0, lanes...)
	if err != nil {
		return err
	}
	p.Conversations, err = mapping.Delete(ctx, tx, p.over(all, kept)...)
	return err
}

// over returns the mappings that nothing depends on any more, and counts the
// others. Lanes are found by their mapping, so it stays as long as they hold
// something.
func (p *Purged) over(all []mapping.Mapping, kept map[delivery.LaneID]bool) []mapping.ID {
	var over []mapping.ID
	for _, m := range all {
		switch {
		case m.State != mapping.Closed && m.State != mapping.Failed:
			p.Open++
		case holds(m, kept):
			p.Left++
		default:
			over = append(over, m.ID)
		}
	}
	return over
}

func holds(m mapping.Mapping, kept map[delivery.LaneID]bool) bool {
	for _, l := range lanesOf(m) {
		if kept[l] {
			return true
		}
	}
	return false
}

// lanesOf returns the lanes of a mapping, and those it shares with others of the
// same user.
func lanesOf(m mapping.Mapping) []delivery.LaneID { return append(ownLanes(m), sharedLanes(m)...) }

func ownLanes(m mapping.Mapping) []delivery.LaneID {
	lanes := []delivery.LaneID{
		{Destination: hubDestination(m.Hub), Conversation: hubLane(m.ID)},
		{Destination: toCopilot, Conversation: returnLane(m.ID)},
	}
	for n := range fileLanes {
		lanes = append(lanes, delivery.LaneID{Destination: toFiles, Conversation: fileLane(m.ID, files.ID(n))})
	}
	return lanes
}

func sharedLanes(m mapping.Mapping) []delivery.LaneID {
	lanes := []delivery.LaneID{{Destination: toTeams, Conversation: teamsLane(m.Key)}}
	if m.Host != nil {
		lanes = append(lanes, delivery.LaneID{Destination: toCopilot, Conversation: hostLane(*m.Host)})
	}
	return lanes
}

func unique(lanes []delivery.LaneID) []delivery.LaneID {
	var some []delivery.LaneID
	seen := map[delivery.LaneID]bool{}
	for _, l := range lanes {
		if !seen[l] {
			seen[l] = true
			some = append(some, l)
		}
	}
	return some
}
