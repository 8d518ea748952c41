package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// Limits of a start.
const (
	openWithin = 9 * time.Second // the copilot's topic waits for the hub's id, and the user with it
	maxEarlier = 5               // escalations that the agent is shown
)

// Start ties the turn's conversation to a new hub conversation, or finds the one
// it is tied to, and answers the turn when the hub has answered, or has not in
// time: behind our answer to the caller, or, to an inline turn, with what it
// returns. A repeated turn has no further effect.
func (b *Bridge) Start(ctx context.Context, t Turn) ([]activity.Activity, error) {
	id, answers, err := b.start(ctx, t)
	switch {
	case errors.Is(err, errRepeat): // what it started is over; its action still wants its end
		answers = []activity.Activity{EndOfTurn(t.Name, activity.CodeCompleted, Outputs{Status: statusEnded})}
	case err != nil:
		return nil, fmt.Errorf("start: %w", err)
	}
	if !t.Inline {
		return nil, nil
	}
	if id == 0 {
		return answers, nil
	}
	return b.awaitStart(ctx, id, t.Name)
}

// start returns the mapping whose outcome is the answer, or the answer.
func (b *Bridge) start(ctx context.Context, t Turn) (id mapping.ID, answers []activity.Activity, err error) {
	err = b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		id, answers = 0, nil
		closed, err := b.closed(ctx, tx, t)
		if err != nil {
			return err
		}
		if closed != nil {
			answers = closed
			fresh, err := t.accept(ctx, tx)
			if err != nil || !fresh {
				return err
			}
			return b.answer(ctx, tx, t, answers...)
		}
		id, err = b.startOpen(ctx, tx, t)
		return err
	})
	return id, answers, err
}

// closed returns what to answer a start outside business hours, unless the hub has
// the conversation already.
func (b *Bridge) closed(ctx context.Context, tx *delivery.Tx, t Turn) ([]activity.Activity, error) {
	now := time.Now()
	if b.opt.Hours == nil {
		return nil, nil
	}
	open, opens := b.opt.Hours(b.opt.Hub, now)
	if open {
		return nil, nil
	}
	found, err := mapping.LockAll(ctx, tx, []mapping.Search{t.search()}, mapping.Opening, mapping.Waiting, mapping.Active)
	if err != nil || found[0] != nil {
		return nil, err
	}
	return []activity.Activity{
		proactive.Notice(b.voice(t).Say(texts.Closed(opens, now))),
		EndOfTurn(t.Name, activity.CodeCompleted, Outputs{Status: statusUnavailable, Reason: reasonClosed}),
	}, nil
}

// startOpen reserves the mapping and promises its opening and the answer.
func (b *Bridge) startOpen(ctx context.Context, tx *delivery.Tx, t Turn) (mapping.ID, error) {
	m, made, err := b.reserve(ctx, tx, t)
	if err != nil {
		return 0, err
	}
	fresh, err := t.accept(ctx, tx)
	switch {
	case err != nil:
		return 0, err
	case !fresh && made:
		return 0, errRepeat // takes the reservation back
	case !fresh:
		return m.ID, nil
	}
	if made {
		if err := begins(ctx, tx, t.Key); err != nil {
			return 0, err
		}
	}
	if err := b.reached(ctx, tx, t.Key, &m); err != nil {
		return 0, err
	}
	if err := b.greet(ctx, tx, &m, t, made); err != nil {
		return 0, err
	}
	if err := b.openOrJoin(ctx, tx, &m, t, made); err != nil {
		return 0, err
	}
	return m.ID, b.answerStart(ctx, tx, m, t)
}

// begins ends what was before a mapping that was just made. Nobody has its row
// locked, so nothing waits in a circle.
func begins(ctx context.Context, tx *delivery.Tx, k mapping.Key) error {
	if err := mapping.Take(ctx, tx, k); err != nil {
		return err
	}
	return mapping.Supersede(ctx, tx, k)
}

func (b *Bridge) reserve(ctx context.Context, tx *delivery.Tx, t Turn) (mapping.Mapping, bool, error) {
	teams := t.Reference.Teams
	if teams.ServiceURL == "" {
		seen, err := mapping.Connector(ctx, tx, t.Key, t.Tenant)
		if err != nil {
			return mapping.Mapping{}, false, err
		}
		teams.ServiceURL = seen
	}
	if teams.ServiceURL == "" {
		teams.ServiceURL = b.opt.ConnectorURL
	}
	var followed time.Time
	if t.greet {
		followed = t.followed()
	}
	return mapping.Reserve(ctx, tx, mapping.Mapping{
		Followed: followed, Key: t.Key, Tenant: t.Tenant, User: teams.User.ID, Hub: b.opt.Hub,
		Teams: teams, Connector: t.Reference.Connector, Host: t.Reference.Host,
		Zone: t.User.TimeZone, Problem: t.Problem,
	})
}

// openOrJoin asks the hub to open a mapping that was just made, or fails it when
// more are waiting to be opened than the hub can open in time.
func (b *Bridge) openOrJoin(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, t Turn, made bool) error {
	if !made {
		return mapping.Refresh(ctx, tx, []*mapping.Mapping{m}, []mapping.Reference{t.Reference})
	}
	crowded, err := mapping.Crowded(ctx, tx, m.Hub, b.opt.Openings)
	if err != nil {
		return err
	}
	if crowded {
		b.opt.Log.WarnContext(ctx, "start refused", "hub", m.Hub, "openings", b.opt.Openings)
		m.State = mapping.Failed
		return mapping.Fail(ctx, tx, m.ID)
	}
	return b.enqueueOpen(ctx, tx, *m, t)
}

func (b *Bridge) enqueueOpen(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, t Turn) error {
	earlier, err := mapping.Earlier(ctx, tx, m, maxEarlier)
	if err != nil {
		return err
	}
	opening := inertOpening(livechat.Opening{
		Key: m.OpenKey, User: t.User, Problem: t.Problem, Channel: t.Channel,
		Reference: fmt.Sprint(m.ID), Variables: t.Variables,
		Summary: t.Summary, Transcript: t.Transcript, Earlier: earlier,
		Queue: t.Queue, Skills: t.Skills, Priority: t.Priority,
	})
	_, err = enqueue(ctx, tx, b.toHub[m.Hub], delivery.Header{
		Conversation: hubLane(m.ID), Key: t.ID, Within: openWithin,
	}, hubOrder{Mapping: m.ID, Open: &opening})
	return err
}

// answerStart promises the copilot the outcome: behind the opening while that is
// under way, at once otherwise.
func (b *Bridge) answerStart(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, t Turn) error {
	switch {
	case t.Inline:
		return nil
	case t.Reference.Host == nil:
		return b.answerStartHere(ctx, tx, m, t)
	}
	post := proactive.Post{To: *t.Reference.Host, ReplyTo: t.ID, Activity: activity.Activity{Name: t.Name}}
	hub, ok := b.toHub[m.Hub]
	if m.State != mapping.Opening || !ok {
		q, err := mapping.QueueOf(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		return b.post(ctx, tx, post, b.started(m, q, t.Name)...)
	}
	_, err := enqueue(ctx, tx, hub, delivery.Header{
		Conversation: hubLane(m.ID), Key: t.ID, Settle: true,
	}, hubOrder{Mapping: m.ID, Answer: &post})
	return err
}

// awaitStart waits for the outcome of a start and returns what to tell the copilot.
func (b *Bridge) awaitStart(ctx context.Context, id mapping.ID, name string) ([]activity.Activity, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin+time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		m, err := mapping.Get(ctx, b.opt.Pool, id)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return b.notStarted(mapping.Mapping{}, name), nil
		case err != nil:
			return nil, fmt.Errorf("await start: %w", err)
		case m.State != mapping.Opening:
			q, err := mapping.QueueOf(ctx, b.opt.Pool, id)
			return b.started(m, q, name), err
		}
		select {
		case <-tick.C: // any replica may be the one that opens it
		case <-ctx.Done():
			return b.notStarted(m, name), nil
		}
	}
}
