package chaos

import (
	"fmt"
	"slices"
	"time"
)

// mostCopies is how often a message may be in Teams: once, and once more when an
// attempt was ambiguous (R5).
const mostCopies = 2

// ackWindow is how long after an answer its record may take. A process that dies
// within it may have had no time to write down what it knew.
const ackWindow = 1500 * time.Millisecond

// Evidence is what a run leaves behind.
type evidence struct {
	words    []*word // in order of conversation, direction, number
	arrivals []*arrival
	blows    []blow
	at       map[wordLane][]wordID // what is at the peers, in order, copies and all
	fates    map[wordID]fate
	ties     map[int][]tie     // by conversation
	notices  map[direction]int // what the service itself had to say
	lease    time.Duration
	timeout  time.Duration // of the service's attempts
	most     int           // copies of a message in Teams; see mostCopies
}

// stillOpen reports whether the newest of a user's mappings is with the hub.
func stillOpen(all []tie) bool {
	return len(all) > 0 && slices.Contains([]string{"opening", "waiting", "active"}, all[len(all)-1].State)
}

// wordLane is one direction of one conversation.
type wordLane struct {
	conversation int
	to           direction
}

// A verdict collects what is wrong, by promise, and what is worth counting.
type verdict struct {
	wrong     []string
	copies    map[direction]int
	explained map[string]int
	most      int // copies of one message, the first one counted
}

func (v *verdict) blame(promise, format string, args ...any) {
	v.wrong = append(v.wrong, promise+": "+fmt.Sprintf(format, args...))
}

// judge holds the evidence against the promises.
func judge(e evidence) *verdict {
	v := &verdict{copies: map[direction]int{}, explained: map[string]int{}}
	byID := map[wordID]*word{}
	for _, w := range e.words {
		byID[w.id] = w
	}
	counts := map[wordID]int{}
	for at, ids := range e.at {
		var firsts []*word
		for _, id := range ids {
			w := byID[id]
			if w == nil || id.conversation != at.conversation || id.to != at.to {
				v.blame("R1", "%s arrived in conversation %d, at %s; nobody said that there", id, at.conversation, at.to)
				continue
			}
			if counts[id]++; counts[id] == 1 {
				firsts = append(firsts, w)
			}
		}
		v.checkOrder(e, firsts)
	}
	dead := map[direction]int{}
	for _, w := range e.words {
		v.checkLoss(e, w, counts[w.id])
		v.checkCopies(e, w.id, counts[w.id])
		if e.fates[w.id].State == "dead" && stillOpen(e.ties[w.id.conversation]) { // else there is nobody to tell
			dead[w.id.to]++
		}
	}
	if dead[toTeams] > e.notices[toHub] || dead[toHub] > e.notices[toTeams] {
		v.blame("R1", "%d dead lines and %d dead words, and %d notices for agents and %d for users",
			dead[toTeams], dead[toHub], e.notices[toHub], e.notices[toTeams])
	}
	return v
}

// checkLoss is R1: what was accepted is at its peer, or visible as what is not.
func (v *verdict) checkLoss(e evidence, w *word, copies int) {
	f, stored := e.fates[w.id]
	switch {
	case w.accepted.IsZero() && !stored && copies == 0:
		return // nobody was promised anything
	case !stored && w.id.to == toHub && e.failed(w.id.conversation):
		return // no hub had the conversation: the words went back to the copilot
	case !stored:
		v.blame("R1", "%s was accepted and is not in the store (%d at its peer)", w.id, copies)
	case f.State == "delivered" && copies == 0:
		v.blame("R1", "%s counts as delivered and is not at its peer", w.id)
	case f.State == "pending":
		v.blame("R1", "%s is still pending", w.id)
	case f.State == "delivered" && f.Delivered == 0:
		v.blame("R2", "%s counts as delivered, and no attempt says so", w.id)
	}
}

// failed reports whether a conversation could not be opened.
func (e evidence) failed(conversation int) bool {
	all := e.ties[conversation]
	return len(all) > 0 && all[len(all)-1].State == "failed"
}

// checkOrder is R3, by two measures: what the store numbered first arrives first,
// and so does what was accepted before the other was said at all. A dead letter
// has no place in the order: an attempt that was given up may arrive late.
func (v *verdict) checkOrder(e evidence, firsts []*word) {
	firsts = slices.DeleteFunc(firsts, func(w *word) bool { return e.fates[w.id].State != "delivered" })
	for i := 1; i < len(firsts); i++ {
		a, b := e.fates[firsts[i-1].id], e.fates[firsts[i].id]
		if a.Lane == b.Lane && a.Seq > b.Seq {
			v.blame("R3", "%s, number %d, arrived before %s, number %d", a.Key, a.Seq, b.Key, b.Seq)
		}
	}
	var earliest *word // accepted, of those that arrived later
	for _, w := range slices.Backward(firsts) {
		if earliest != nil && earliest.accepted.Before(w.sent) {
			v.blame("R3", "%s arrived before %s, which had been accepted before the other was said", w.id, earliest.id)
		}
		if !w.accepted.IsZero() && (earliest == nil || w.accepted.Before(earliest.accepted)) {
			earliest = w
		}
	}
}

// checkCopies is R4 and R5: none at the hub; at Teams at most one more, and a
// cause for each.
func (v *verdict) checkCopies(e evidence, id wordID, copies int) {
	v.most = max(v.most, copies)
	if copies < 2 {
		return
	}
	v.copies[id.to] += copies - 1
	if id.to == toHub {
		v.blame("R5", "%s is at the hub %d times", id, copies)
		return
	}
	if e.most > 0 && copies > e.most {
		v.blame("R5", "%s is in Teams %d times", id, copies)
	}
	var acts []*arrival
	for _, a := range e.arrivals {
		if a.word == id && a.done {
			acts = append(acts, a)
		}
	}
	slices.SortFunc(acts, func(a, b *arrival) int { return a.at.Compare(b.at) })
	if len(acts) != copies {
		v.blame("R5", "%s is in Teams %d times, and the network carried it there %d times", id, copies, len(acts))
	}
	for i := 1; i < len(acts); i++ {
		cause := e.cause(acts[:i], acts[i])
		if cause == "" {
			v.blame("R5", "%s was sent again by %s at %s for no reason", id, acts[i].by, acts[i].at.Format(clock))
			cause = "unexplained"
		}
		v.explained[cause]++
	}
}

const clock = "15:04:05.000"

// cause says why a message was sent once more although the peer had it.
func (e evidence) cause(before []*arrival, again *arrival) string {
	for _, a := range before {
		if !a.clean {
			if a.fault != fine {
				return "ambiguous answer"
			}
			return "killed before the answer"
		}
		// On a busy machine even a good answer may miss the sender's patience, which
		// began before the network saw the request, or find the sender held up. Then the
		// store says so.
		f := e.fates[a.word]
		if f.Late > 0 || a.over.Sub(a.at) > e.timeout/3 && f.Ambiguous > 0 {
			return "answer too late"
		}
	}
	for _, a := range before {
		for _, b := range e.blows {
			overlaps := b.since.Before(again.at) && b.until.After(a.at)
			switch {
			case b.kind == "kill" && b.to == a.by && b.since.Before(again.at) && b.since.Before(a.over.Add(ackWindow)):
				return "killed before the record" // what it had written may arrive after its death
			case !overlaps:
			case b.kind == "freeze" && b.to == a.by && b.until.Sub(b.since) > e.lease/2:
				return "stopped for longer than its lease"
			case b.kind == stall:
				return "the machine stood still"
			case b.to == incarnation{}:
				return "no database to record it in"
			}
		}
	}
	return ""
}
