package bridgemodel

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A record is what the store knows of one delivery.
type record struct {
	Talk, Destination, Key, Outcome string
	Pending, Parked                 bool
	Mapping                         int64
	Agent, Ends                     bool
	Ambiguous                       int
	Tries                           string
}

const recordsSQL = `
	SELECT COALESCE(m.conversation_id, split_part(d.conversation, '|', 2)), d.destination, d.key,
		COALESCE(d.outcome, ''), d.seq > l.acked_seq, l.parked_at IS NOT NULL,
		COALESCE((d.payload->>'mapping')::bigint, 0), COALESCE((d.payload->>'agent')::bool, false),
		COALESCE((d.payload->>'ends')::bool, false),
		(SELECT count(*) FROM attempt AS a
		 WHERE (a.destination, a.conversation, a.seq) = (d.destination, d.conversation, d.seq) AND a.ambiguous),
		COALESCE((SELECT string_agg(concat(a.class, ' ', a.ambiguous, ' ', to_char(a.began_at, 'SS.MS')), ', ' ORDER BY a.began_at) FROM attempt AS a
		 WHERE (a.destination, a.conversation, a.seq) = (d.destination, d.conversation, d.seq)), '')
	FROM delivery AS d
	JOIN lane AS l USING (destination, conversation)
	LEFT JOIN mapping AS m ON d.conversation IN ('mapping ' || m.id, 'return ' || m.id)
	ORDER BY d.destination, d.conversation, d.seq`

// check holds everything against what may be. It returns what is wrong, and the
// history of whom it happened to.
func (w *world) check(tb testing.TB) (wrong []string, history string) {
	tb.Helper()
	rows, _ := w.db.Query(tb.Context(), recordsSQL)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[record])
	if err != nil {
		tb.Fatal(err)
	}
	by := map[string][]record{}
	for _, r := range all {
		by[r.Talk] = append(by[r.Talk], r)
	}
	open := w.open(tb.Context(), tb)
	if w.unrest != "" {
		wrong = append(wrong, w.unrest)
	}
	for _, t := range w.order {
		t.mu.Lock()
		b := &books{talk: t, records: by[t.name], open: open}
		b.balance()
		if len(t.complaints) > 0 && len(wrong) < 5 {
			history += strings.Join(t.history, "\n") + fmt.Sprintf("\n%+v\n", b.records)
		}
		wrong = append(wrong, t.complaints...)
		t.mu.Unlock()
	}
	return wrong, history
}

// books are what there is to say of one talk in the end.
type books struct {
	*talk

	records []record
	open    map[string]string
}

func (b *books) balance() {
	b.userWords()
	b.agentWords()
	b.orders()
	b.control()
}

// find is the delivery of a word.
func (b *books) find(destination, key string) record {
	i := slices.IndexFunc(b.records, func(r record) bool { return r.Destination == destination && r.Key == key })
	if i < 0 {
		return record{}
	}
	return b.records[i]
}

// unsaid counts deliveries to a destination that nobody got, for good or for now.
func (b *books) unsaid(destination string) (n int) {
	for _, r := range b.records {
		if r.Destination == destination && !r.Agent && (r.Outcome != "" || r.Pending && r.Parked) {
			n++
		}
	}
	return n
}

// userWords: each is at the hub, or with the copilot, or the user was told.
func (b *books) userWords() {
	missing := 0
	for _, w := range b.said {
		if w.chat != nil {
			continue
		}
		at, back := 0, slices.Contains(b.answered, w.text)
		for _, c := range b.chats {
			at += count(c.lines, w.text)
		}
		switch {
		case at > 1, at == 1 && back:
			b.wrong("R4: %s is at the hub %d times, and back: %t", w.text, at, back)
		case w.late && !back && b.unsaid("copilot") == 0:
			b.wrong("R10: %s was said after the hub's end, and is not the copilot's", w.text)
		case at == 0 && !back && b.find("hub/hub", w.id).Outcome == "" && b.unsaid("copilot") == 0:
			b.wrong("R1: %s is swallowed", w.text)
		case at == 0 && !back:
			missing++
		}
	}
	told := b.unsaid("teams") + b.unsaid("copilot")
	for _, text := range b.shown {
		if strings.HasPrefix(text, "Your message could not") || strings.HasPrefix(text, "Your last message did not") {
			told++
		}
	}
	if missing > told {
		b.wrong("R1: %d words are lost, and %d times the user was told", missing, told)
	}
}

// agentWords: each was shown, or is a letter, or waits for a user who cannot be
// reached.
func (b *books) agentWords() {
	for _, w := range b.said {
		if w.chat == nil {
			continue
		}
		n, r := 0, b.find("teams", w.id)
		for _, text := range b.shown {
			if word(text) == w.text {
				n++
			}
		}
		if n == 0 && r.Outcome == "" && (!r.Pending || !r.Parked) {
			b.wrong("R1: %s is lost", w.text)
		}
		if n > 1+min(1, r.Ambiguous) {
			b.wrong("R5: %s was shown %d times, after %d doubts: %s", w.text, n, r.Ambiguous, r.Tries)
		}
	}
}

// orders: what was accepted before another was said comes before it.
func (b *books) orders() {
	shown := make([]string, len(b.shown))
	for i, text := range b.shown {
		shown[i] = word(text)
	}
	at := func(w *said) (place int, among []string) {
		if w.chat != nil {
			return slices.Index(shown, w.text), shown
		}
		for _, c := range b.chats {
			if i := slices.Index(c.lines, w.text); i >= 0 {
				return i, c.lines
			}
		}
		return -1, nil
	}
	for _, x := range b.said {
		for _, y := range b.said {
			i, first := at(x)
			j, second := at(y)
			if x.taken < y.begun && i > j && j >= 0 && &first[0] == &second[0] && b.find("teams", x.id).Outcome == "" {
				b.wrong("R3: %s came before %s", y.text, x.text)
			}
		}
	}
	ended := map[int64]bool{}
	for _, r := range b.records {
		if r.Destination == "teams" && r.Agent && ended[r.Mapping] {
			b.wrong("R9: %s follows the notice that its conversation has ended", r.Key)
		}
		ended[r.Mapping] = ended[r.Mapping] || r.Ends
	}
}

// control: hub, copilot and mapping agree who has the user.
func (b *books) control() {
	id, tied := b.open[b.name]
	live := 0
	for _, c := range b.chats {
		if c.ended == "" {
			live++
		}
		if c.ended == "" && string(c.id) != id {
			b.wrong("R11: %s is a ghost", c.id)
		}
	}
	if len(b.chats) > b.starts {
		b.wrong("R11: %d starts opened %d conversations", b.starts, len(b.chats))
	}
	if tied && live != 1 {
		b.wrong("R9: the hub has %d conversations, and the user is tied to %q", live, id)
	}
	if b.unsaid("copilot") > 0 {
		return // it was told in vain, and a letter says so
	}
	if b.started != nil {
		b.wrong("R12: %s was never answered", b.start)
	}
	if b.escalated != tied || tied && b.with != id {
		b.wrong("R9: the copilot takes the user for %t with %q, and the mapping is open: %t with %q", b.escalated, b.with, tied, id)
	}
	for _, r := range b.records {
		if tied && r.Destination == "teams" && r.Parked && r.Pending {
			b.wrong("R14: the user wrote, and still nothing reaches them")
			return
		}
	}
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}
