package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/activity"
)

// Visitors come while everything breaks: they ask for a person, talk a little, and
// leave, or the agent ends it. Their conversations are numbered behind those that
// last for all of the run.

// comeAndGo sends visitors until quiet, and returns when the last has left.
func (l *load) comeAndGo(ctx, quiet context.Context, every time.Duration) {
	rng := stream(l.w.plan.seed, "visitors")
	var all sync.WaitGroup
	for c := l.w.plan.conversations; pause(quiet, time.Duration(rng.ExpFloat64()*float64(every))); c++ {
		own := rand.New(rand.NewPCG(l.w.plan.seed, uint64(c)))
		all.Go(func() { l.visit(ctx, c, own) })
		l.visitors.Add(1)
	}
	all.Wait()
}

// visit is one short conversation, from its start to its end.
func (l *load) visit(ctx context.Context, c int, rng *rand.Rand) {
	user, agent := wordID{conversation: c, to: toHub}, wordID{conversation: c, to: toTeams}
	start := l.activity(c, activity.TypeEvent, fmt.Sprintf("start-%d", c))
	start.Name = "startConversation"
	if !l.insist(ctx, "/api/messages", start) {
		return
	}
	for range 1 + rng.IntN(3) { // some of it before the hub is open
		user.n++
		l.say(ctx, user, rng.IntN(20))
	}
	hub := ""
	if !within(ctx, 20*time.Second, func() bool { hub = l.w.hub.conversation(userName(c)); return hub != "" }) {
		return
	}
	for range 1 + rng.IntN(3) {
		agent.n++
		// A hub that hears that it is not known, or that it is over, was given up.
		if !l.insistOn(ctx, agent) {
			return
		}
	}
	if rng.IntN(2) == 0 {
		l.insist(ctx, "/api/livechat/messages", map[string]any{"ConversationId": hub, "Id": fmt.Sprintf("end-%d", c), "Sender": "Bo", "Event": "ended"})
		return
	}
	end := l.activity(c, activity.TypeEvent, fmt.Sprintf("end-%d", c))
	end.Name = "endConversation"
	l.insist(ctx, "/api/messages", end)
}

// insist posts a body until it is accepted. It reports false when it is refused
// for good, or ctx ends.
func (l *load) insist(ctx context.Context, path string, v any) bool {
	return l.insistently(ctx, func(r *replica) int { return l.post(ctx, r, path, v) })
}

// insistOn is insist for a word.
func (l *load) insistOn(ctx context.Context, id wordID) bool {
	return l.insistently(ctx, func(r *replica) int { return l.tryStatus(ctx, r, id) })
}

func (l *load) insistently(ctx context.Context, post func(r *replica) int) bool {
	for {
		if r := l.pick(); r != nil {
			switch post(r) / 100 {
			case 2:
				return true
			case 4:
				return false
			}
		}
		if !pause(ctx, 50*time.Millisecond) {
			return false
		}
	}
}

// A tie is what the store says of a conversation.
type tie struct {
	UserID, State, ClosedBy string
}

const tiesSQL = `
	SELECT user_id, state, COALESCE(closed_by, '')
	FROM mapping`

// ties reads the conversations of each user.
func ties(ctx context.Context, db *pgxpool.Pool) (map[string][]tie, error) {
	rows, err := db.Query(ctx, tiesSQL)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[tie])
	if err != nil {
		return nil, err
	}
	byUser := map[string][]tie{}
	for _, t := range all {
		byUser[t.UserID] = append(byUser[t.UserID], t)
	}
	return byUser, nil
}

// checkTies is R11, and R10 as far as it goes without a clock: every conversation
// is over on both sides, or on neither. It counts them by state.
func (v *verdict) checkTies(w *world, e evidence) map[string]int {
	states := map[string]int{}
	for c, all := range e.ties {
		if len(all) > 1 {
			v.blame("R11", "%s has %d mappings", userName(c), len(all))
		}
		for _, t := range all {
			states[strings.TrimSpace(t.State+" "+t.ClosedBy)]++
			v.checkTie(userName(c), t, w.hub.byUser[userName(c)])
		}
	}
	return states
}

func (v *verdict) checkTie(name string, t tie, c *chat) {
	atHub := "nothing"
	if c != nil {
		atHub = "ended " + strconv.FormatBool(c.ended)
	}
	ok := false
	switch t.State {
	case "waiting", "active":
		ok = atHub == "ended false"
	case "failed":
		ok = atHub != "ended false"
	case "closed":
		ok = c != nil && (t.ClosedBy != "user" || c.ended)
	case "ending": // the copilot could not be told out of turn, and is told in one
		ok = c != nil
	}
	if !ok {
		v.blame("R11", "%s is %s %s here; at the hub: %s", name, t.State, t.ClosedBy, atHub)
	}
}
