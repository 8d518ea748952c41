package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// In our own bot's chat an agent's file goes into the user's OneDrive, if they want it.
// A copilot's chat has no bot that would hear of it: there is a link.

// A Consent is a user's answer to whether they want a file.
type Consent struct {
	File   files.ID
	Accept bool
	Upload proactive.UploadInfo // where it goes, when accepted
}

// consented is what a file consent card brings back.
type consented struct {
	Liaison struct {
		File files.ID `json:"file"`
	} `json:"liaison"`
}

// ReadConsent reads the value of a fileConsent/invoke, of a card of ours.
func ReadConsent(value json.RawMessage) (Consent, bool) {
	var in struct {
		Action     string               `json:"action"`
		Context    consented            `json:"context"`
		UploadInfo proactive.UploadInfo `json:"uploadInfo"`
	}
	if json.Unmarshal(value, &in) != nil || in.Context.Liaison.File == 0 {
		return Consent{}, false
	}
	c := Consent{File: in.Context.Liaison.File, Accept: in.Action == "accept", Upload: in.UploadInfo}
	return c, c.Accept && in.UploadInfo.UploadURL != "" || in.Action == "decline"
}

// Consented promises what follows from the answer: the upload, or a word to both
// sides. A second answer for the same file has no effect, nor has one for a file that
// is not of the turn's own conversation.
func (b *Bridge) Consented(ctx context.Context, t Turn, c Consent) error {
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		f, m, err := ofChat(ctx, tx, t, c.File)
		if errors.Is(err, files.ErrNotFound) || errors.Is(err, mapping.ErrNotFound) {
			return b.tellTurn(ctx, tx, t, proactive.Notice(b.voice(t).Say(texts.FileExpired(words.Clip(c.Upload.Name, maxFileName, words.UTF16)))))
		}
		if err != nil {
			return err
		}
		fresh, err := tx.Accept(ctx, inScope(t.Key), fmt.Sprintf("consent %d", f.ID))
		if err != nil || !fresh {
			return err
		}
		if c.Accept {
			_, err := enqueue(ctx, tx, b.toFiles, delivery.Header{Conversation: fileLane(m.ID, f.ID), Within: fetchWithin},
				fileOrder{Mapping: m.ID, File: f.ID, Upload: &c.Upload})
			return err
		}
		declined := texts.FileDeclined(f.Name)
		if err := b.notify(ctx, tx, &m, teamsOrder{}, delivery.Header{}, b.say(&m, declined)); err != nil {
			return err
		}
		return b.tellAgent(ctx, tx, m, b.sayAgent(declined))
	})
	if err != nil {
		return fmt.Errorf("file consent: %w", err)
	}
	return nil
}

// maxFileName is the longest name of a file that is repeated to whoever sent it.
const maxFileName = 255

// ofChat returns a file that was given to the turn's user, in the turn's
// conversation, with its mapping.
func ofChat(ctx context.Context, tx *delivery.Tx, t Turn, id files.ID) (files.File, mapping.Mapping, error) {
	f, err := files.Get(ctx, tx, id)
	if err != nil {
		return files.File{}, mapping.Mapping{}, err
	}
	of, ok := mappingOf(f.Owner)
	if !ok || f.Direction != files.ToUser || f.State != files.Ready {
		return files.File{}, mapping.Mapping{}, files.ErrNotFound
	}
	m, err := mapping.Lock(ctx, tx, of)
	if err == nil && (m.Key != t.Key || m.Tenant != t.Tenant || m.User != t.Reference.Teams.User.ID) {
		err = files.ErrNotFound
	}
	return f, m, err
}

// askConsent asks the user of our own bot whether they want a file, which is kept as
// long as a link to it would be.
func (b *Bridge) askConsent(ctx context.Context, m *mapping.Mapping, f files.File, sender string) (activity.Activity, error) {
	if _, err := b.opt.Files.Link(ctx, f.ID); err != nil {
		return activity.Activity{}, err
	}
	var back consented
	back.Liaison.File = f.ID
	ask := proactive.AgentLines(sender, words.Literal(b.say(m, texts.FileConsent())))[0] // it is short
	return proactive.AskConsent(ask, f.Name, f.Size, back)
}

// upload makes one try to bring a file where its user wants it. Where that cannot be,
// there is a link.
func (b *Bridge) upload(ctx context.Context, o fileOrder) error {
	err := b.opt.Files.Upload(ctx, o.File, o.Upload.UploadURL)
	var permanent interface{ Permanent() bool }
	refused := errors.As(err, &permanent) && permanent.Permanent()
	if err != nil && !refused {
		return err
	}
	if refused {
		b.opt.Log.InfoContext(ctx, "file not uploaded", "mapping", o.Mapping, "file_id", o.File, "err", err)
	}
	// What is done is told although ctx may have ended.
	return b.commit(context.WithoutCancel(ctx), func(ctx context.Context, tx *delivery.Tx) error { return b.uploaded(ctx, tx, o, !refused) })
}

// uploaded shows the user a file that is in their OneDrive, or else gives them a link.
// A repetition has no effect.
func (b *Bridge) uploaded(ctx context.Context, tx *delivery.Tx, o fileOrder, there bool) error {
	m, err := mapping.Lock(ctx, tx, o.Mapping)
	if err != nil {
		return ignoreGone(err)
	}
	f, err := found(ctx, tx, offer{File: o.File, Name: o.Upload.Name})
	if err != nil {
		return err
	}
	order := teamsOrder{Mapping: m.ID, Tenant: m.Tenant, Agent: true, Post: proactive.Post{To: m.Teams}}
	if there {
		order.Post.Activity, err = proactive.FileInfo(proactive.Notice(""), *o.Upload)
	} else {
		order.Offer = &offer{File: f.ID, Name: f.Name, Link: true}
		order.Post.Activity = proactive.Notice(b.say(&m, texts.FileFailed(f.Name)))
	}
	if err != nil {
		return err
	}
	_, err = enqueue(ctx, tx, b.toTeams, delivery.Header{
		Conversation: teamsLane(m.Key), Scope: inScope(m.Key), Key: fmt.Sprintf("upload %d", o.File), Settle: true,
	}, order)
	return err
}
