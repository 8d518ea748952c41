package bridge

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// SurveyPath is where the links of surveys lead; their token follows.
const SurveyPath = "/survey/"

// surveyLife is how long a user may answer.
const surveyLife = 7 * 24 * time.Hour

// maxComment bounds a survey's comment, in UTF-16 code units; the rest is cut off.
const maxComment = 2000

// ErrSurveyOver means that a survey was answered before, or too much time has
// passed.
var ErrSurveyOver = errors.New("survey is over")

// Surveys is where and about whom users are asked what they think of the help.
type Surveys struct {
	URL   string                   // where browsers reach [SurveyPath]
	Hubs  map[string]bool          // by name; a hub that is not there has none
	Count func(hub string, of int) // told each answer; nil tells nobody
}

// askSurvey asks the user of a locked mapping that is over, once, if an agent has
// had it. Each choice is a link: by now the copilot gets what the user says.
func (b *Bridge) askSurvey(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping) error {
	if !b.opt.Surveys.Hubs[m.Hub] || m.Unreachable {
		return nil
	}
	token := rand.Text()
	asks, err := mapping.AskSurvey(ctx, tx, m.ID, sha256.Sum256([]byte(token)), surveyLife)
	if err != nil || !asks {
		return err
	}
	page, err := url.JoinPath(b.opt.Surveys.URL, SurveyPath, token)
	if err != nil {
		return fmt.Errorf("link survey: %w", err)
	}
	var choices []proactive.Button
	for i, answer := range texts.SurveyAnswers() {
		choices = append(choices, proactive.Button{Title: b.say(m, answer), URL: fmt.Sprintf("%s?score=%d", page, i+1)})
	}
	a, err := proactive.Ask(b.say(m, texts.SurveyQuestion(m.Agent)), choices...)
	if err != nil {
		return fmt.Errorf("ask user: %w", err)
	}
	return b.tell(ctx, tx, m, teamsOrder{}, delivery.Header{}, a)
}

// A Survey is what its page shows.
type Survey struct {
	Voice    texts.Voice // the user's
	Question string
	Open     bool
}

// Survey returns the survey of a link's token. The error of a token that is not
// ours is [mapping.ErrNotFound].
func (b *Bridge) Survey(ctx context.Context, token string) (Survey, error) {
	found, err := mapping.FindSurvey(ctx, b.opt.Pool, sha256.Sum256([]byte(token)))
	if err != nil {
		return Survey{}, err
	}
	m, err := mapping.Get(ctx, b.opt.Pool, found.Mapping)
	if err != nil {
		return Survey{}, err
	}
	voice := b.voiceOf(&m)
	return Survey{Voice: voice, Question: voice.Say(texts.SurveyQuestion(m.Agent)), Open: found.Open}, nil
}

// Rate takes the answer to a survey: a score from 1 to 5 and a comment that may be
// empty. It is promised to the hub, if that takes ratings. The error of a second
// answer is [ErrSurveyOver].
func (b *Bridge) Rate(ctx context.Context, token string, score int, comment string) error {
	hash := sha256.Sum256([]byte(token))
	var hub string
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		found, err := mapping.FindSurvey(ctx, tx, hash)
		if err != nil {
			return err
		}
		m, err := mapping.Lock(ctx, tx, found.Mapping)
		if err != nil {
			return err
		}
		counts, err := mapping.AnswerSurvey(ctx, tx, hash, score)
		if err != nil {
			return err
		}
		if !counts {
			return ErrSurveyOver
		}
		hub = m.Hub
		return b.rateHub(ctx, tx, m, score, comment)
	})
	if err != nil {
		return fmt.Errorf("rate: %w", err)
	}
	if b.opt.Surveys.Count != nil {
		b.opt.Surveys.Count(hub, score)
	}
	return nil
}

func (b *Bridge) rateHub(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, score int, comment string) error {
	if _, able := b.opt.Hubs[m.Hub].(livechat.Rate); !able {
		return nil
	}
	_, err := enqueue(ctx, tx, b.toHub[m.Hub], delivery.Header{Conversation: hubLane(m.ID)}, hubOrder{
		Mapping: m.ID, Rate: &livechat.Rating{
			Key: fmt.Sprintf("%d/rating", m.ID), Score: score,
			Comment: words.Inert(words.Clip(comment, maxComment, words.UTF16)),
		},
	})
	return err
}

// sendRating gives a hub what the user thinks of it.
func (b *Bridge) sendRating(ctx context.Context, hub livechat.Hub, o hubOrder) error {
	able, ok := hub.(livechat.Rate)
	if !ok {
		return nil // by another adapter of that name
	}
	c, err := b.hubConversation(ctx, o.Mapping, "")
	if err != nil {
		return err
	}
	return able.Rate(ctx, c, *o.Rate)
}
