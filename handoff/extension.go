package handoff

import (
	"context"
	"log/slog"
	"time"

	"github.com/liaison-skill/liaison/texts"
)

// answerWithin leaves a fifth of the time Teams waits for the way there and back
// (https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/search-commands/respond-to-search).
const answerWithin = 4 * time.Second

// An Extension answers the message extension's queries.
type Extension struct {
	DB      DB
	TTL     time.Duration     // how long a card's link is good
	Sources map[string]Source // by command
	Texts   *texts.Catalogue
	Log     *slog.Logger
	Meter   Meter // nil counts nothing
}

// Answer searches for h and returns cards, each with a link that is for h alone. It
// takes less than the five seconds Teams waits; what cannot be found in them is
// told in words.
func (e *Extension) Answer(ctx context.Context, q Query, h Holder) Answer {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	source, ok := e.Sources[q.Command]
	if !ok {
		e.Log.WarnContext(ctx, "query of an unknown command: the app's manifest is another's, or newer")
		return e.failed(q)
	}
	results, err := source.Search(ctx, q)
	if err != nil {
		e.Log.WarnContext(ctx, "search", "command", q.Command, "err", err)
		return e.failed(q)
	}
	cards, err := e.cards(ctx, q, h, results)
	if err != nil {
		e.Log.ErrorContext(ctx, "make handoffs", "command", q.Command, "err", err)
		return e.failed(q)
	}
	return list(cards)
}

func (e *Extension) failed(q Query) Answer {
	return say(e.Texts.In(q.Locale, "").Say(texts.HandoffSearchFailed()))
}

func (e *Extension) cards(ctx context.Context, q Query, h Holder, results []Result) ([]attachment, error) {
	cards := []attachment{}
	if len(results) == 0 {
		return cards, nil
	}
	carried := make([]Context, len(results))
	for i, r := range results {
		carried[i] = r.Carry
	}
	tokens, err := e.make(ctx, h, carried...)
	if err != nil {
		return nil, err
	}
	title := e.Texts.In(q.Locale, "").Say(texts.ButtonPerson())
	for i, r := range results {
		cards = append(cards, attach(r, OpenLink(title, DeepLink(h.Bot, tokens[i]))))
	}
	return cards, nil
}

// An Offered handoff is a link for a card that somebody else builds.
type Offered struct {
	URL     string `json:"url"`
	Seconds int    `json:"expiresInSeconds"`
	Action  Action `json:"action"` // ready to be put into an Adaptive Card
}

// Offer keeps a context for h and returns the link to go on with, and its button in
// the language of locale.
func (e *Extension) Offer(ctx context.Context, h Holder, c Context, locale string) (Offered, error) {
	tokens, err := e.make(ctx, h, c)
	if err != nil {
		return Offered{}, err
	}
	link := DeepLink(h.Bot, tokens[0])
	title := e.Texts.In(locale, "").Say(texts.ButtonPerson())
	return Offered{URL: link, Seconds: int(e.TTL.Seconds()), Action: OpenLink(title, link)}, nil
}

func (e *Extension) make(ctx context.Context, h Holder, contexts ...Context) ([]Token, error) {
	tokens, err := Make(ctx, e.DB, h, e.TTL, contexts...)
	if err == nil {
		e.count(Made, int64(len(tokens)))
	}
	return tokens, err
}

// Redeemed counts a redemption that ended with err.
func (e *Extension) Redeemed(err error) { e.count(OutcomeOf(err), 1) }

func (e *Extension) count(o Outcome, n int64) {
	if e != nil && e.Meter != nil {
		e.Meter.Handoffs(o, n)
	}
}
