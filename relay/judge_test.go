package relay_test

import (
	"slices"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/livechat"
)

// judge holds what was promised in one conversation against what arrived.
func (r *run) judge(deadline time.Time, id livechat.ConversationID, promised []string) {
	var heard, answered []string
	var doubtful map[string]bool
	settled := func() bool {
		heard, answered, doubtful = r.arrived(id)
		_, lost := missing(promised, heard)
		return lost == "" && r.allShown(id, answered) == ""
	}
	for !settled() {
		<-time.After(20 * time.Millisecond)
		if time.Now().Before(deadline) {
			continue
		}
		_, lost := missing(promised, heard)
		r.tb.Errorf("%s: the copilot never heard %q; the user was never shown %q", id, lost, r.allShown(id, answered))
		return
	}
	if out, _ := missing(promised, heard); out != "" {
		r.tb.Errorf("%s: out of order: %s\npromised %q\nheard    %q", id, out, promised, heard)
	}
	shown := once(r.echoes(id), doubtful)
	if doubled := doubles(shown); doubled != "" {
		r.tb.Errorf("%s: shown twice: %s", id, doubled)
	}
	if !slices.Equal(shown, within(answered, shown)) {
		r.tb.Errorf("%s: the copilot said %q, the user was shown %q", id, answered, shown)
	}
}

// arrived is what the copilot heard of a conversation's words, and what of that it
// answered where nobody lost the answer. A word may be heard again in a conversation
// that was begun anew: it was in doubt when the one before was lost.
func (r *run) arrived(id livechat.ConversationID) (heard, answered []string, doubtful map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	shown := r.echoes(id)
	var last heardWord
	doubtful = map[string]bool{}
	for _, w := range r.heard.all() {
		if !strings.HasPrefix(w.text, string(id)+" ") {
			continue
		}
		again := w.text == last.text && w.talk != last.talk && r.lost[last.talk]
		last = w
		if again {
			doubtful[w.text] = true
		}
		if !r.lost[w.talk] || slices.Contains(shown, w.text) {
			answered = append(answered, w.text)
		}
		if !r.maybe[w.text] && !again {
			heard = append(heard, w.text)
		}
	}
	return heard, once(answered, doubtful), doubtful
}

// once leaves out the repeats of words that were in doubt.
func once(all []string, doubtful map[string]bool) []string {
	return slices.CompactFunc(all, func(a, b string) bool { return a == b && doubtful[a] })
}

// echoes are the copilot's words that the user was shown.
func (r *run) echoes(id livechat.ConversationID) []string {
	var all []string
	for _, text := range r.chat.said(id) {
		if word, ok := strings.CutPrefix(text, "heard "); ok {
			all = append(all, word)
		}
	}
	return all
}

// allShown names an answer that the user was not shown. What the copilot answered to
// words that were under way to people, it said to nobody.
func (r *run) allShown(id livechat.ConversationID, answered []string) string {
	shown := r.echoes(id)
	for _, word := range answered {
		if !r.maybe[word] && !slices.Contains(shown, word) {
			return word
		}
	}
	return ""
}

// missing compares what was promised with what was heard: a word that is out of
// order, and one that was not heard at all.
func missing(promised, heard []string) (out, lost string) {
	for _, word := range promised {
		if !slices.Contains(heard, word) {
			return "", word
		}
	}
	for i, word := range heard {
		if i >= len(promised) || promised[i] != word {
			return word, ""
		}
	}
	return "", ""
}

// doubles names a word that comes twice.
func doubles(all []string) string {
	seen := map[string]bool{}
	for _, word := range all {
		if seen[word] {
			return word
		}
		seen[word] = true
	}
	return ""
}

// within are those of all that some has.
func within(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(word string) bool { return !slices.Contains(some, word) })
}
