package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"

	"github.com/liaison-skill/liaison/activity"
)

// A saved is one line of the state file. One member beside Person is set.
type saved struct {
	Person       string                  `json:"person"`
	Own          bool                    `json:"own,omitempty"` // in the chat with the service's own bot
	Conversation activity.ConversationID `json:"conversation,omitempty"`
	Event        *event                  `json:"event,omitempty"`
	Dialog       *dialog                 `json:"dialog,omitempty"`
	Profile      *Profile                `json:"profile,omitempty"`
}

// A journal appends to the state file. It does not wait for the disk: what the
// kernel was given outlives the process, which is all a sandbox promises.
type journal struct {
	file *os.File // nil keeps nothing
	log  *slog.Logger
}

// write appends a line. What cannot be written is lost with the process; the
// sandbox goes on.
func (j journal) write(line saved) {
	if j.file == nil {
		return
	}
	encoded, err := json.Marshal(line)
	if err == nil {
		_, err = j.file.Write(append(encoded, '\n'))
	}
	if err != nil {
		j.log.Error("state not saved", "err", err)
	}
}

func (j journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

func (s *Sandbox) saveConversation(p *person) {
	if p != nil {
		s.journal.write(saved{Person: p.name, Own: p.bot != "", Conversation: p.conversation})
	}
}

func (s *Sandbox) saveEvent(p *person, e event) {
	s.journal.write(saved{Person: p.name, Own: p.bot != "", Event: &e})
}

func (s *Sandbox) saveDialog(p *person) {
	s.journal.write(saved{Person: p.name, Own: p.bot != "", Dialog: &p.dialog})
}

// restore replays the state file and makes the people who are missing. It runs
// before anybody else knows s.
func (s *Sandbox) restore() error {
	if s.cfg.StateFile != "" {
		file, err := os.OpenFile(s.cfg.StateFile, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return fmt.Errorf("open state file: %w", err)
		}
		if err := s.replay(file); err != nil {
			return errors.Join(fmt.Errorf("replay state file: %w", err), file.Close())
		}
		s.journal = journal{file, s.log}
	}
	for _, name := range demoNames() {
		s.person(name)
	}
	for _, p := range s.people {
		s.resume(p)
		s.saveConversation(p.own) // the file may be older than the bot
	}
	return nil
}

// replay reads whole lines and leaves the file where the next one goes. The line
// that a killed process did not finish is overwritten.
func (s *Sandbox) replay(file *os.File) error {
	r := bufio.NewReader(file)
	var end int64
	for number := 1; ; number++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var entry saved
		if err := json.Unmarshal(line, &entry); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		s.apply(entry)
		end += int64(len(line))
	}
	if err := file.Truncate(end); err != nil {
		return err
	}
	_, err := file.Seek(end, io.SeekStart)
	return err
}

func (s *Sandbox) apply(entry saved) {
	p := s.byName[entry.Person]
	if p == nil {
		p = newPerson(entry.Person)
		p.conversation = entry.Conversation
		s.addPerson(p)
	}
	if entry.Own {
		if p = p.own; p == nil {
			return // this sandbox has no such bot
		}
		s.replayOwn(p, entry)
	}
	if entry.Event != nil {
		p.apply(*entry.Event)
		s.seen(entry.Event)
	}
	if entry.Dialog != nil {
		p.dialog = *entry.Dialog
	}
	if entry.Profile != nil {
		*p.profile = *entry.Profile
	}
}

// seen keeps new ids above those in the file.
func (s *Sandbox) seen(e *event) {
	if e.Line == nil {
		return
	}
	if id, err := strconv.ParseInt(e.Line.ID, 10, 64); err == nil {
		s.lastID = max(s.lastID, id)
	}
}

// resume ends what a turn that did not survive has left half done.
func (s *Sandbox) resume(p *person) {
	s.move(p, func(d *dialog) {
		if d.Phase == phaseOpening || d.Phase == phaseClosing {
			*d = dialog{Phase: phaseIdle}
		}
		if d.SkillConversation != "" {
			s.bySkill[d.SkillConversation] = p
		}
	})
}
