package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

// A Message is what a user writes.
type Message struct {
	Text     string
	HTML     string    // the same as Teams formats it; "" for a message without formatting
	Mentions []Mention // of those whose <at>Name</at> is in Text
	Quote    string    // the id of the line that is answered
	Files    []File
}

// A Mention is somebody named with an @.
type Mention struct{ ID, Name string }

// A File is what a user attaches: a picture pasted into the text, or a file from
// OneDrive.
type File struct {
	Name    string
	Type    string // media type
	Content []byte
	Inline  bool // pasted; otherwise a file
}

// said is what a user said in a turn.
type said struct {
	text, id, replyTo string
	value             json.RawMessage
	attachments       []activity.Attachment
	mentions          []entity
	submitted         bool // by a button of a card
}

// Send writes m into the chat and blocks until the copilot is done with it. It
// returns the id of the line. The error is that of [User.Say].
func (u User) Send(ctx context.Context, m Message) (id string, err error) {
	line := Line{ID: u.s.newID(), Author: ByUser, Text: m.Text, Format: activity.FormatPlain, At: time.Now().UTC()}
	out := said{text: m.Text, id: line.ID}
	if m.Quote != "" {
		if err := u.quote(m, &out); err != nil {
			return "", err
		}
	}
	for _, f := range m.Files {
		attachment, shown := u.s.attach(u.p, f)
		out.attachments = append(out.attachments, attachment)
		line.Files = append(line.Files, shown)
	}
	if m.HTML != "" && m.Quote == "" {
		out.attachments = append(out.attachments, companion(m.HTML))
	}
	for _, who := range m.Mentions {
		out.mentions = append(out.mentions, entity{
			Entity: activity.Entity{Type: "mention"}, Text: "<at>" + who.Name + "</at>",
			Mentioned: &activity.Account{ID: who.ID, Name: who.Name},
		})
	}
	err = u.inTurn(func() { u.s.post(u.p, event{Line: &line}) }, func() error { return u.s.turn(ctx, u.p, out) })
	return line.ID, err
}

// companion is the attachment that repeats a formatted message. Its content is
// the HTML as a string.
func companion(markup string) activity.Attachment {
	return activity.Attachment{ContentType: "text/html", Content: encode(markup)}
}

// quote puts the answered line before the answer, in the text and in the HTML, as
// the client of Teams writes it.
func (u User) quote(m Message, out *said) error {
	u.s.mu.Lock()
	i := u.p.lineIndex(m.Quote)
	var line Line
	if i >= 0 {
		line = u.p.lines[i]
	}
	u.s.mu.Unlock()
	if i < 0 {
		return errors.New("the quoted line is not in the chat")
	}
	who := u.Profile().Name
	if line.Author != ByUser {
		who = "Contoso copilot"
	}
	out.replyTo = line.ID
	out.text = who + "\n" + line.Text + "\n\n" + m.Text
	answer := m.HTML
	if answer == "" {
		answer = "<p>" + strings.ReplaceAll(html.EscapeString(m.Text), "\n", "<br>") + "</p>"
	}
	out.attachments = append(out.attachments, companion(
		`<blockquote itemscope itemtype="http://schema.skype.com/Reply" itemid="`+line.ID+`"><strong itemprop="mri">`+
			html.EscapeString(who)+`</strong><p itemprop="preview">`+html.EscapeString(line.Text)+`</p></blockquote>`+answer))
	return nil
}
