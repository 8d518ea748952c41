package bridge

import (
	"context"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// tellInOrder promises agents' lines to users of locked mappings so that words stay
// behind the files that were given before them.
func (b *Bridge) tellInOrder(ctx context.Context, tx *delivery.Tx, hub string, ms []*mapping.Mapping, events []heard) error {
	for from, to := range stretches(len(events), func(i int) bool { return len(events[i].Files) > 0 }) {
		said, last := to, to-1
		if agentWords(events[last].Inbound) == "" {
			said = last
		}
		if err := b.tellUsers(ctx, tx, hub, ms[from:said], events[from:said]); err != nil {
			return err
		}
		if err := b.tellFiles(ctx, tx, hub, ms[last], events[last]); err != nil {
			return err
		}
	}
	return nil
}

// tellFiles brings the files of an agent's line, which may be a repeat.
func (b *Bridge) tellFiles(ctx context.Context, tx *delivery.Tx, hub string, m *mapping.Mapping, e heard) error {
	if len(e.Files) == 0 {
		return nil
	}
	key := e.ID
	if key != "" {
		key += " files" // its words may have been accepted just now
	}
	fresh, err := tx.Accept(ctx, hubScope(hub, e.Conversation), key)
	if err != nil || !fresh {
		return err
	}
	if m.State == mapping.Waiting {
		if err := mapping.Joined(ctx, tx, m.ID); err != nil {
			return err
		}
	}
	sources := make([]files.Source, len(e.Files))
	for i, f := range e.Files {
		sources[i] = files.Source{Name: f.Name, Type: f.ContentType, Size: f.Size, URL: f.URL, Credential: HubFiles(hub)}
	}
	return b.bring(ctx, tx, parcel{
		mapping: m, to: files.ToUser, sources: sources, from: e.from,
		said: mapping.Entry{Mapping: m.ID, Side: mapping.Agent, Name: e.Sender, Key: key},
		offer: func(o offer) (delivery.Item, error) {
			// A release that knows no offers says this. The key is not the line's, whose
			// activity an edit changes.
			instead := proactive.Notice(b.say(m, texts.FileFailed(o.Name)))
			return b.toTeams.Item(
				delivery.Header{Conversation: teamsLane(m.Key), Key: key, Settle: true, From: e.from},
				teamsOrder{Mapping: m.ID, Tenant: m.Tenant, Agent: true, Message: e.Message, Offer: &o, Post: proactive.Post{To: m.Teams, Activity: instead}})
		},
	})
}

// giveTeams posts an agent's file.
func (b *Bridge) giveTeams(ctx context.Context, o teamsOrder) (string, error) {
	f, err := b.offered(ctx, *o.Offer)
	if err != nil {
		return "", err
	}
	m, err := mapping.Get(ctx, b.opt.Pool, o.Mapping)
	if err != nil {
		return "", err
	}
	post := o.Post
	if post.Activity, err = b.fileActivity(ctx, &m, f, *o.Offer); err != nil {
		return "", err
	}
	return b.send(ctx, post)
}

// fileActivity shows a file: as a picture where Teams does, else as a question whether
// the user wants it, or as a link; or the reason why there is none.
func (b *Bridge) fileActivity(ctx context.Context, m *mapping.Mapping, f files.File, o offer) (activity.Activity, error) {
	if f.State == files.Failed {
		return proactive.Notice(b.say(m, b.fileFailed(f))), nil
	}
	content, kind, ok, err := b.opt.Files.Inline(ctx, f.ID)
	if err != nil {
		return activity.Activity{}, err
	}
	if ok {
		return proactive.AgentPicture(o.Sender, f.Name, kind, content), nil
	}
	if m.Host == nil && !o.Link && f.Size > 0 && f.Size <= files.MaxUpload {
		return b.askConsent(ctx, m, f, o.Sender)
	}
	link, err := b.fileLink(ctx, f)
	if err != nil {
		return activity.Activity{}, err
	}
	return proactive.AgentLines(o.Sender, words.Literal(b.say(m, link)))[0], nil // it is short
}

// teamsOfferSettled tells the agent of a file that the user did not get although
// the line about it arrived.
func (b *Bridge) teamsOfferSettled(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, o offer) error {
	f, err := found(ctx, tx, o)
	if err != nil {
		return err
	}
	if f.State == files.Failed {
		if err := b.tellAgent(ctx, tx, m, b.sayAgent(b.fileFailed(f))); err != nil {
			return err
		}
	}
	return files.Release(ctx, tx, f.ID)
}
