package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// ConnectorFiles names, to package files, the Bot Connector's credential.
const ConnectorFiles = "connector"

// BotFiles names, to package files, the credential of a bot of ours at the Bot
// Connector.
func BotFiles(app string) string { return ConnectorFiles + "/" + app }

// HubFiles names, to package files, a hub's credential.
func HubFiles(hub string) string { return hubDestination(hub) }

// toFiles is the destination that brings files here.
const toFiles = "files"

// Bounds of fetching a file. Words behind it wait meanwhile.
const (
	fetchWithin = 5 * time.Minute   // all tries: URLs are good for minutes
	fetchTakes  = 150 * time.Second // one try: package files ends it earlier
	fileLanes   = 8                 // of one mapping, so that a slow file holds up few others
)

// A fileOrder is a file to fetch.
type fileOrder struct {
	Mapping mapping.ID `json:"mapping"`
	File    files.ID   `json:"file"`

	Upload *proactive.UploadInfo `json:"upload,omitempty"` // it is here, and goes there
}

// An offer is a file for the other side, in line with the words.
type offer struct {
	File   files.ID `json:"file"`
	Name   string   `json:"name"`
	Sender string   `json:"sender,omitempty"`
	Link   bool     `json:"link,omitempty"` // to be had by a link, whoever the bot is
}

// fileLane is where a file is fetched. There are few names, so that what went
// through them is found by the mapping.
func fileLane(id mapping.ID, file files.ID) string {
	return fmt.Sprintf("files %d/%d", id, file%fileLanes)
}

// fileOwner names the owner of a mapping's files.
func fileOwner(id mapping.ID) string { return hubLane(id) }

// A parcel is the files of one message.
type parcel struct {
	mapping *mapping.Mapping
	to      files.Direction
	sources []files.Source
	said    mapping.Entry // who gave them, and in which message
	from    trace.SpanContext
	offer   func(o offer) (delivery.Item, error)
}

// bring stores the files of a new message of a locked mapping, has them fetched at
// once, for their URLs expire, and offered in their turn.
func (b *Bridge) bring(ctx context.Context, tx *delivery.Tx, p parcel) error {
	for i := range p.sources {
		p.sources[i].Owner, p.sources[i].Direction = fileOwner(p.mapping.ID), p.to
	}
	ids, err := b.opt.Files.Add(ctx, tx, p.sources...)
	if err != nil {
		return err
	}
	var items []delivery.Item
	var said []mapping.Entry
	for _, id := range ids {
		f, err := files.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		offered, err := p.offer(offer{File: id, Name: f.Name, Sender: p.said.Name})
		if err != nil {
			return err
		}
		items = append(items, offered)
		if f.State == files.Pending {
			fetched, err := b.toFiles.Item(delivery.Header{
				Conversation: fileLane(p.mapping.ID, id), Key: p.said.Key, Within: fetchWithin, From: p.from,
			}, fileOrder{Mapping: p.mapping.ID, File: id})
			if err != nil {
				return err
			}
			items = append(items, fetched)
		}
		p.said.Text = "📎 " + f.Name
		said = append(said, p.said)
	}
	if _, err := tx.Enqueue(ctx, items...); err != nil {
		return err
	}
	if err := mapping.Append(ctx, tx, said...); err != nil {
		return err
	}
	return b.leftOut(ctx, tx, p.mapping, p.sources[len(ids):])
}

// leftOut tells both sides of files that are too many for one message.
func (b *Bridge) leftOut(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, sources []files.Source) error {
	if len(sources) == 0 {
		return nil
	}
	name := sources[0].Name
	if more := len(sources) - 1; more > 0 {
		name += fmt.Sprintf(" (+%d)", more)
	}
	text := texts.FileFailed(name)
	if err := b.tellAgent(ctx, tx, *m, b.sayAgent(text)); err != nil {
		return err
	}
	return b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, b.say(m, text))
}

// fetchFile makes one try. What came of a file, also that there will be none, is
// known to those it is offered to.
func (b *Bridge) fetchFile(ctx context.Context, o fileOrder) error {
	ctx, cancel := delivery.Extend(ctx, fetchTakes)
	defer cancel()
	if o.Upload != nil {
		return b.upload(ctx, o)
	}
	err := b.opt.Files.Fetch(ctx, o.File)
	if failed, ok := errors.AsType[*files.Error](err); ok {
		b.opt.Log.InfoContext(ctx, "file not taken", "mapping", o.Mapping, "file_id", o.File, "reason", string(failed.Failure))
		return nil
	}
	if errors.Is(err, files.ErrNotFound) {
		return nil // it was deleted
	}
	return err
}

// fileSettled runs when a file could not be fetched, or uploaded, in its time.
func (b *Bridge) fileSettled(ctx context.Context, tx *delivery.Tx, o fileOrder, s delivery.Settlement) error {
	switch {
	case s.Delivered:
		return nil
	case o.Upload != nil:
		return b.uploaded(ctx, tx, o, false)
	}
	return files.Fail(ctx, tx, o.File, files.GaveUp)
}

// found returns the file of an offer. One that is not kept any more has expired.
func found(ctx context.Context, db files.DB, o offer) (files.File, error) {
	f, err := files.Get(ctx, db, o.File)
	if errors.Is(err, files.ErrNotFound) {
		return files.File{ID: o.File, Name: o.Name, State: files.Failed, Failure: files.Expired}, nil
	}
	return f, err
}

// offered returns the file of an offer once it is ready or failed.
func (b *Bridge) offered(ctx context.Context, o offer) (files.File, error) {
	f, err := found(ctx, b.opt.Pool, o)
	if err == nil && f.State == files.Pending {
		err = notHereError{time.Since(f.CreatedAt)}
	}
	return f, err
}

// notHereError is a file that is being fetched, for so long.
type notHereError struct{ age time.Duration }

func (notHereError) Error() string { return "file is being fetched" }
func (notHereError) Waiting() bool { return true }

// RetryAfter is short for a file that may be here any moment.
func (e notHereError) RetryAfter() time.Duration {
	return min(max(e.age/4, 100*time.Millisecond), 2*time.Second)
}

// fileFailed says why a file is not delivered.
func (b *Bridge) fileFailed(f files.File) texts.Text {
	switch f.Failure {
	case files.TooBig:
		return texts.FileTooBig(f.Name, b.opt.Files.Max())
	case files.WrongType:
		return texts.FileWrongType(f.Name)
	case files.Expired:
		return texts.FileExpired(f.Name)
	case files.Unreadable:
		return texts.FileUnreadable(f.Name)
	case files.Missing, files.Refused, files.GaveUp:
	}
	return texts.FileFailed(f.Name)
}

// fileLink is a line with a new link to a ready file.
func (b *Bridge) fileLink(ctx context.Context, f files.File) (texts.Text, error) {
	link, err := b.opt.Files.Link(ctx, f.ID)
	if err != nil {
		return texts.Text{}, err
	}
	return texts.FileLink(f.Name, f.Size, b.opt.PublicURL+link.Path, link.Expires, time.Now()), nil
}
