package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox/card"
)

// demoNames are the people of Microsoft's demo tenants.
func demoNames() []string { return []string{"Alex Wilber", "Megan Bowen", "Lee Gu"} }

// An Author is who wrote a line of the chat.
type Author string

// The authors of lines.
const (
	ByUser    Author = "user"
	ByCopilot Author = "copilot" // in its own words, or passed on from the skill
	ByAgent   Author = "agent"   // arrived through the connector, outside any turn
)

// A Holder is who has the conversation, as the user sees it.
type Holder string

// The holders of a conversation.
const (
	WithCopilot   Holder = "copilot"
	WaitingPerson Holder = "waiting"
	WithPerson    Holder = "person"
)

// A Line is one message in a user's chat.
type Line struct {
	ID        string        `json:"id"`
	Author    Author        `json:"author"`
	Text      string        `json:"text"`
	Format    string        `json:"format"` // plain or markdown
	Cards     []card.Card   `json:"cards,omitempty"`
	Files     []Shown       `json:"files,omitempty"`
	Suggested []card.Action `json:"suggested,omitempty"`
	Pressed   string        `json:"pressed,omitempty"` // the title of the button of a card the user pressed last
	Reactions []string      `json:"reactions,omitempty"`
	Through   string        `json:"through,omitempty"` // on whose behalf the bot said it
	At        time.Time     `json:"at"`
	Edited    bool          `json:"edited,omitempty"`
	Deleted   bool          `json:"deleted,omitempty"`
}

// An App is how the copilot's app stands with a user.
type App string

// The states of an app.
const (
	Installed App = "installed"
	Removed   App = "removed"
	Blocked   App = "blocked"
)

// An event is one change of a chat. Exactly one member beside Seq is set. A line
// whose id was seen before replaces it.
type event struct {
	Seq    int64     `json:"seq"`
	Line   *Line     `json:"line,omitempty"`
	Holder Holder    `json:"holder,omitempty"`
	Typing time.Time `json:"typing,omitzero"`
	App    App       `json:"app,omitempty"`
}

// A person is a user of Teams with one chat: with the copilot, or with the service's
// own bot. Sandbox.mu guards what changes.
type person struct {
	name         string
	id           string // Teams: unique per user and bot
	conversation activity.ConversationID

	bot string  // the app of the service's own bot that the chat is with; "" in the copilot's
	own *person // the user's chat with that bot; nil for none, and in that chat itself

	profile *Profile // of the user, in all chats
	lines   []Line
	events  []event
	dialog  dialog
	holder  Holder
	app     App
	outputs json.RawMessage // of the skill's latest endOfConversation
	removed map[string]Line // what the user deleted, as it was
	copilot []Answer        // what was asked of Microsoft 365 Copilot

	inline     *bool             // asks the skill for expectReplies; nil as configured
	lastTurn   chan struct{}     // closed when the latest turn is over
	pending    chan ending       // an action waits for its endOfConversation; nil: none
	finished   map[string]string // actions that are over, and how they ended
	inlineIDs  map[string]bool   // activities that were sent with expectReplies
	sent       window            // what the connector took, for its limits
	lastTyping time.Time
}

// newPerson makes a person. The ids of people are stable; their conversation is
// new each time and holds every character that a careless client mangles.
func newPerson(name string) *person {
	sum := sha256.Sum256([]byte(name))
	digits := hex.EncodeToString(sum[:])
	return &person{
		name: name,
		id:   "29:1" + digits[:40],
		profile: &Profile{
			Name:     name,
			ObjectID: fmt.Sprintf("%s-%s-4%s-8%s-%s", digits[:8], digits[8:12], digits[12:15], digits[15:18], digits[18:30]),
			Locale:   "en-US", TimeZone: "UTC", Country: "US", Platform: "Web",
		},
		conversation: newConversation(),
		holder:       WithCopilot,
		app:          Installed,
		removed:      map[string]Line{},
		dialog:       dialog{Phase: phaseIdle},
		finished:     map[string]string{},
		inlineIDs:    map[string]bool{},
	}
}

func newConversation() activity.ConversationID {
	return activity.ConversationID("a:1" + rand.Text() + "/9+_-;session=1@unq.gbl.spaces")
}

// addPerson puts p on the books. It is called under mu, or before anyone else
// knows s.
func (s *Sandbox) addPerson(p *person) {
	s.people = append(s.people, p)
	s.byName[p.name] = p
	s.byConversation[p.conversation] = p
	if s.cfg.BotAppID != "" {
		p.own = newOwn(p, s.cfg.BotAppID)
		s.byConversation[p.own.conversation] = p.own
	}
}

// person finds a user by name or by the first word of it, and makes one where
// there is none.
func (s *Sandbox) person(name string) *person {
	s.mu.Lock()
	p := s.findPerson(name)
	s.mu.Unlock()
	if p != nil {
		return p
	}
	s.update(func() {
		if p = s.findPerson(name); p != nil {
			return // somebody was faster
		}
		p = newPerson(name)
		s.addPerson(p)
		s.saveConversation(p)
		s.saveConversation(p.own)
	})
	return p
}

func (s *Sandbox) findPerson(name string) *person {
	if p := s.byName[name]; p != nil {
		return p
	}
	for _, p := range s.people {
		if first, _, _ := strings.Cut(p.name, " "); first == name {
			return p
		}
	}
	return nil
}

// inConversation finds a user by the id of a conversation in Teams.
func (s *Sandbox) inConversation(id string) *person {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byConversation[activity.ConversationID(id)]
}

// newID returns an activity id as Teams makes them: milliseconds, unique.
func (s *Sandbox) newID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID = max(s.lastID+1, time.Now().UnixMilli())
	return strconv.FormatInt(s.lastID, 10)
}

// say appends a line to p's chat and returns its id.
func (s *Sandbox) say(p *person, l Line) string {
	if l.ID == "" {
		l.ID = s.newID()
	}
	l.At = time.Now().UTC()
	s.update(func() { s.post(p, event{Line: &l}) })
	return l.ID
}

// post appends an event to p's chat. It is called inside update.
func (s *Sandbox) post(p *person, e event) {
	e.Seq = 1
	if n := len(p.events); n > 0 {
		e.Seq = p.events[n-1].Seq + 1
	}
	p.apply(e)
	s.saveEvent(p, e)
}

// apply makes e part of the chat.
func (p *person) apply(e event) {
	p.events = append(p.events, e)
	if e.Holder != "" {
		p.holder = e.Holder
	}
	if e.App != "" {
		p.app = e.App
	}
	if e.Line == nil {
		return
	}
	if i := p.lineIndex(e.Line.ID); i >= 0 {
		p.lines[i] = *e.Line
		return
	}
	p.lines = append(p.lines, *e.Line)
}

func (p *person) lineIndex(id string) int {
	for i, line := range slices.Backward(p.lines) {
		if line.ID == id {
			return i
		}
	}
	return -1
}

// typing shows the three dots.
func (s *Sandbox) typing(p *person) {
	s.update(func() { s.post(p, event{Typing: time.Now().UTC()}) })
}
