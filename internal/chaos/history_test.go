package chaos

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A direction is who the words are for.
type direction byte

const (
	toHub   direction = 'u' // a user's words
	toTeams direction = 'a' // an agent's
)

func (d direction) String() string {
	if d == toHub {
		return "hub"
	}
	return "teams"
}

// A wordID is unique in a run: the n-th word of one side of one conversation. It
// is the word's text and its sender's id for it.
type wordID struct {
	conversation int
	to           direction
	n            int
}

func (id wordID) String() string { return fmt.Sprintf("c%d%c%d", id.conversation, id.to, id.n) }

var wordForm = regexp.MustCompile(`\bc(\d+)([ua])(\d+)\b`)

// findWord finds the word in a text.
func findWord(text string) (wordID, bool) {
	m := wordForm.FindStringSubmatch(text)
	if m == nil {
		return wordID{}, false
	}
	conversation, err1 := strconv.Atoi(m[1])
	n, err2 := strconv.Atoi(m[3])
	return wordID{conversation, direction(m[2][0]), n}, err1 == nil && err2 == nil
}

// A word is something said, as its sender saw it.
type word struct {
	id       wordID
	sent     time.Time // before the first post
	accepted time.Time // after the first 2xx; zero while there is none
	posts    int
}

// An arrival is one attempt of the service at a peer, as the network saw it.
type arrival struct {
	word  wordID
	call  string // what it was, if not a word
	by    incarnation
	at    time.Time
	over  time.Time // when the network was done with it
	fault kind
	done  bool // the peer did what it was asked
	clean bool // and its answer went out whole
}

// A blow is something done to the service.
type blow struct {
	kind         string
	to           incarnation // empty for the database
	since, until time.Time
}

// A history is what happened in a run.
type history struct {
	mu       sync.Mutex
	words    map[wordID]*word
	arrivals []*arrival
	blows    []blow
}

func newHistory() *history { return &history{words: map[wordID]*word{}} }

// posting notes that a word is about to be posted.
func (h *history) posting(id wordID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.words[id]
	if w == nil {
		w = &word{id: id, sent: time.Now()}
		h.words[id] = w
	}
	w.posts++
}

// accepted notes a 2xx.
func (h *history) accepted(id wordID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.words[id]; w.accepted.IsZero() {
		w.accepted = time.Now()
	}
}

// countAccepted returns how many words for to have been accepted.
func (h *history) countAccepted(to direction) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for id, w := range h.words {
		if id.to == to && !w.accepted.IsZero() {
			n++
		}
	}
	return n
}

// arrived returns the words that are at their peers.
func (h *history) arrived() map[wordID]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[wordID]bool{}
	for _, a := range h.arrivals {
		if a.done {
			all[a.word] = true
		}
	}
	return all
}

func (h *history) struck(b blow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.blows = append(h.blows, b)
}

// sorted returns the words in the order of conversations, directions, numbers.
func (h *history) sorted() []*word {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*word, 0, len(h.words))
	for _, w := range h.words {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b *word) int {
		return cmp.Or(cmp.Compare(a.id.conversation, b.id.conversation), cmp.Compare(a.id.to, b.id.to), cmp.Compare(a.id.n, b.id.n))
	})
	return all
}
