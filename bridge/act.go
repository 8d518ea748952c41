package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
)

// Errors that hand a message over, between those who forward words and those who
// take answers.
var (
	errAsked    = errors.New("an answer to a question")
	errNotAsked = errors.New("no answer to a question")
)

// doing is what a turn asks of us rather than of the agent: by a button of ours,
// or by its very title where a host passes on nothing else. "" is nothing.
func (b *Bridge) doing(m *mapping.Mapping, t Turn) Doing {
	if t.Press != nil {
		switch joined := m.State == mapping.Active; {
		case t.Press.Mapping != m.ID: // of an older conversation
			return ""
		case joined && (t.Press.Do == doWait || t.Press.Do == doLeave): // there is nothing to wait for
			return ""
		}
		return t.Press.Do
	}
	offered := []Doing{doEnd}
	if m.Asks != "" { // whoever is to leave a message may still go another way
		offered = append(offered, doWait, doLeave, doBack)
	}
	for _, d := range offered {
		if strings.EqualFold(strings.TrimSpace(t.Text), b.say(m, d.title())) {
			return d
		}
	}
	return ""
}

// asked reports whether a turn answers a question, or presses a button.
func (b *Bridge) asked(m *mapping.Mapping, t Turn) bool {
	return t.Press != nil || m.Asks == mapping.AsksMessage || b.doing(m, t) != ""
}

// act does what a turn asks of us. It returns the answer to the turn.
func (b *Bridge) act(ctx context.Context, t Turn) ([]activity.Activity, error) {
	var answers []activity.Activity
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		found, err := mapping.LockAll(ctx, tx, []mapping.Search{t.search()}, mapping.Opening, mapping.Waiting, mapping.Active)
		if err != nil {
			return err
		}
		m := found[0]
		switch {
		case m == nil:
			return ErrNotEscalated
		case !b.asked(m, t):
			return errNotAsked // somebody joined meanwhile: the words are theirs
		}
		fresh, err := t.accept(ctx, tx)
		if err != nil || !fresh {
			return err
		}
		if err := mapping.Refresh(ctx, tx, []*mapping.Mapping{m}, []mapping.Reference{t.Reference}); err != nil {
			return err
		}
		if err := b.reached(ctx, tx, t.Key, m); err != nil {
			return err
		}
		answers, err = b.obey(ctx, tx, m, t)
		if err != nil {
			return err
		}
		return b.answer(ctx, tx, t, answers...)
	})
	if err != nil {
		return nil, fmt.Errorf("act: %w", err)
	}
	return answers, nil
}

func (b *Bridge) obey(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, t Turn) ([]activity.Activity, error) {
	switch b.doing(m, t) {
	case doWait:
		if err := mapping.Asked(ctx, tx, m.ID, ""); err != nil {
			return nil, err
		}
		return nil, b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, b.say(m, texts.KeptWaiting()))
	case doLeave:
		if err := mapping.Asked(ctx, tx, m.ID, mapping.AsksMessage); err != nil {
			return nil, err
		}
		return nil, b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, b.say(m, texts.LeaveMessage()))
	case doBack, doEnd:
		return b.userEnds(ctx, tx, m, texts.YouEnded())
	case doStart: // a person is there, or on their way
	}
	if t.Press == nil {
		return b.leaveMessage(ctx, tx, m, t)
	}
	return nil, nil // a button of a conversation that is over
}

// leaveMessage takes the user's words as what they leave behind, and ends the
// conversation.
func (b *Bridge) leaveMessage(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, t Turn) ([]activity.Activity, error) {
	hub, ok := b.toHub[m.Hub]
	if !ok {
		return nil, ErrNoHub
	}
	if t.Text != "" {
		if _, err := enqueue(ctx, tx, hub, delivery.Header{Conversation: hubLane(m.ID), Key: t.ID}, t.order(m)); err != nil {
			return nil, err
		}
		if err := mapping.Append(ctx, tx, t.entry(m)); err != nil {
			return nil, err
		}
	}
	if err := b.forwardFiles(ctx, tx, m, t); err != nil {
		return nil, err
	}
	return b.userEnds(ctx, tx, m, texts.MessageLeft())
}

// userEnds ends a conversation at its user's word: the turn itself gives it back
// to the copilot.
func (b *Bridge) userEnds(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, text texts.Text) ([]activity.Activity, error) {
	if err := b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, b.say(m, text)); err != nil {
		return nil, err
	}
	if err := b.close(ctx, tx, m, mapping.ByUser); err != nil {
		return nil, err
	}
	m.ClosedBy = mapping.ByUser
	return []activity.Activity{EndOfTurn("", activity.CodeCompleted, ended(*m))}, nil
}
