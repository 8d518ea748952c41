package sandbox

import (
	"slices"
	"strings"
	"unicode"
)

// A topic is what the copilot takes an utterance for.
type topic int

const (
	topicNone topic = iota
	topicGreeting
	topicEscalate
	topicGoodbye
)

// escalateSpan is how many words may stand between wanting to talk and to whom:
// "talk to one of your nice people".
const escalateSpan = 6

// topicOf recognises what the copilot has a topic for. A goodbye counts only
// when it is all that was said: within a longer sentence it would end a live
// chat that the user means to go on with.
func topicOf(text string) topic {
	words := wordsOf(text)
	switch {
	case isGoodbye(words):
		return topicGoodbye
	case isEscalation(words):
		return topicEscalate
	case isGreeting(words):
		return topicGreeting
	}
	return topicNone
}

// interrupts reports whether text takes the user out of a live chat.
func (s *Sandbox) interrupts(text string) bool {
	if !s.Switches().EagerGoodbye {
		return topicOf(text) == topicGoodbye
	}
	said := " " + strings.Join(wordsOf(text), " ") + " "
	return slices.ContainsFunc([]string{" bye ", " goodbye ", " good bye "}, func(word string) bool { return strings.Contains(said, word) })
}

// wordsOf returns the lower-case words of text, without punctuation.
func wordsOf(text string) []string {
	text = strings.ReplaceAll(strings.ToLower(text), "’", "'")
	return strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
	})
}

// isGoodbye strips the courtesies around a farewell and looks at what is left.
func isGoodbye(words []string) bool {
	said := " " + strings.Join(words, " ") + " "
	for changed := true; changed; {
		changed = false
		for _, courtesy := range []string{"ok", "okay", "alright", "well", "great", "thanks", "thank you", "very much", "a lot", "for now", "everyone"} {
			shorter := " " + strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(said, " "+courtesy+" "), " "+courtesy+" ")) + " "
			changed = changed || shorter != said
			said = shorter
		}
	}
	return slices.Contains([]string{
		"bye", "bye bye", "goodbye", "good bye", "see you", "see you later", "see ya", "cya", "farewell", "take care",
	}, strings.TrimSpace(said))
}

// isEscalation finds somebody who wants a person, and says so.
func isEscalation(words []string) bool {
	if slices.ContainsFunc(words, isRefusal) {
		return false
	}
	if len(words) <= 4 && slices.ContainsFunc(words, isPerson) {
		return true // "a human please", "live agent", "operator"
	}
	for i, word := range words {
		if !slices.Contains([]string{
			"talk", "speak", "chat", "connect", "transfer", "escalate", "reach", "want", "need", "get", "give", "put",
		}, word) {
			continue
		}
		reach := words[i+1 : min(len(words), i+1+escalateSpan)]
		if slices.ContainsFunc(reach, isPerson) || word == "talk" && slices.Contains(reach, "someone") {
			return true
		}
	}
	return slices.Contains(words, "escalate") || slices.Contains(words, "escalation")
}

func isRefusal(word string) bool {
	return slices.Contains([]string{"not", "don't", "dont", "never", "without", "won't"}, word)
}

func isPerson(word string) bool {
	return slices.Contains([]string{
		"person", "human", "humans", "people", "agent", "agents", "representative", "rep", "operator",
		"someone", "somebody", "advisor", "supervisor", "manager", "expert",
	}, word)
}

// isGreeting is a short utterance that begins with a greeting.
func isGreeting(words []string) bool {
	if len(words) == 0 || len(words) > 5 {
		return false
	}
	if words[0] == "good" && len(words) > 1 {
		return slices.Contains([]string{"morning", "afternoon", "evening", "day"}, words[1])
	}
	return slices.Contains([]string{"hello", "hi", "hey", "hiya", "howdy", "greetings", "welcome", "hallo", "yo"}, words[0])
}
