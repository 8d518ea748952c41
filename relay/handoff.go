package relay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/directline/escalation"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// askWithin bounds a question to the hub.
const askWithin = 2 * time.Second

// A presence says whether people could take over.
type presence struct {
	open   bool
	reason string    // why not, for the copilot
	opens  time.Time // when they will be there; zero is not known
	hours  bool      // it is outside business hours
}

// presence asks whether people could take over. A hub that does not answer the
// question may still have somebody.
func (l *listener) presence(ctx context.Context, a activity.Activity) presence {
	if l.opt.Hours != nil {
		if open, opens := l.opt.Hours(l.w.Hub, time.Now()); !open {
			return presence{reason: "closed", opens: opens, hours: true}
		}
	}
	able, ok := l.opt.Canvases[l.w.Hub].(livechat.Available)
	if !ok {
		return presence{open: true}
	}
	given, _ := escalation.Read(a)
	queue, _, _ := hints(given.Variables)
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	there, err := able.Availability(ctx, queue)
	if err != nil || there.Open {
		return presence{open: true}
	}
	return presence{reason: "no_agents", opens: there.NextOpen}
}

// passOver gives the user to people, behind the copilot's last words; or tells both
// that nobody is there.
func (l *listener) passOver(ctx context.Context, tx *delivery.Tx, w *row, id string, given escalation.Context, there presence) error {
	fresh, err := tx.Accept(ctx, lane(w.ID), l.key(w, id))
	if err != nil || !fresh {
		return err
	}
	d, ok := l.toCanvas[w.Hub]
	if !there.open || !ok {
		text := texts.NoAgents()
		if there.hours {
			text = texts.Closed(there.opens, time.Now())
		}
		if err := l.notify(ctx, tx, w, text); err != nil {
			return err
		}
		return l.tellUnavailable(ctx, tx, w, there.reason)
	}
	w.Known = remembered(w.Known, given)
	if err := know(ctx, tx, w); err != nil {
		return err
	}
	if err := change(ctx, tx, w, Passing, 0); err != nil { // the copilot's last words still count
		return err
	}
	p := passing(given, w.User)
	p.Conversation, p.Key = w.Conversation, l.key(w, id)
	_, err = enqueue(ctx, tx, d, delivery.Header{Conversation: lane(w.ID), Key: p.Key, Settle: true},
		canvasOrder{Relay: w.ID, Turn: w.Turn, Pass: &p})
	return err
}

// remembered is what a copilot that begins anew is told of what it knew.
func remembered(known map[string]any, given escalation.Context) map[string]any {
	all := maps.Clone(known)
	if all == nil {
		all = map[string]any{}
	}
	for name, value := range given.Variables {
		all[name] = value
	}
	all[knownPhrase], all[knownTopic] = given.LastPhrase, given.LastTopic
	return all
}

// Variables in which a copilot says where its user should go, in any spelling of
// case. Skills have commas between.
const (
	hintQueue   = "queue"
	hintSkills  = "skills"
	hintSummary = "summary"
)

// hints reads what a copilot says of where its user should go.
func hints(variables map[string]string) (queue string, skills []string, summary string) {
	for name, value := range variables {
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, hintQueue):
			queue = value
		case strings.EqualFold(name, hintSummary):
			summary = value
		case strings.EqualFold(name, hintSkills):
			for skill := range strings.SplitSeq(value, ",") {
				if skill = strings.TrimSpace(skill); skill != "" {
					skills = append(skills, skill)
				}
			}
		}
	}
	return queue, skills, summary
}

// passing is what people should know, inert.
func passing(given escalation.Context, user livechat.User) livechat.Passing {
	queue, skills, summary := hints(given.Variables)
	p := livechat.Passing{
		Problem: words.Inert(given.LastPhrase), Summary: words.Inert(summary), Note: words.Inert(given.AgentMessage),
		Queue: queue, Skills: skills, Language: cmp.Or(given.Language, user.Locale), Variables: map[string]string{},
	}
	for name, value := range given.Variables {
		p.Variables[words.Inert(name)] = words.Inert(value)
	}
	for name, value := range map[string]string{
		"va_LastTopic": given.LastTopic, "va_Topics": strings.Join(given.Topics, ", "), "va_Phrases": strings.Join(given.Phrases, ", "),
		"va_Scope": given.Scope, "va_ConversationId": given.Conversation, "va_BotId": given.BotID, "va_BotName": given.BotName,
		"MSCallerId": given.CallerID, "transcript_omitted": omitted(given.Omitted),
	} {
		if value != "" {
			p.Variables[name] = words.Inert(value)
		}
	}
	for _, l := range given.Transcript {
		p.Transcript = append(p.Transcript, line(l))
	}
	return p
}

func omitted(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// line is what was said before, with what came with it by name.
func line(l escalation.Line) livechat.Line {
	side := livechat.SideCopilot
	if l.Side == escalation.User {
		side = livechat.SideUser
	}
	said := []string{}
	if l.Text != "" {
		said = append(said, l.Text)
	}
	for _, file := range l.Files {
		said = append(said, "["+file+"]")
	}
	return livechat.Line{Side: side, Sender: words.Inert(l.Sender), Text: words.Inert(strings.Join(said, "\n")), At: l.At}
}
