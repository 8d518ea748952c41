package sandbox

import (
	"slices"
	"strings"
)

// bareWish is how many words a wish for a person has that says nothing of the
// matter: "I want to talk to a person, please".
const bareWish = 8

// understand chooses the command for a prompt and what to ask it with, as a language
// model would by the manifest's titles.
func (u User) understand(prompt string) (cmd command, asked string, err error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	var all []command
	for _, e := range u.s.extensions {
		all = append(all, e.Commands...)
	}
	all = slices.DeleteFunc(all, func(c command) bool { return len(c.Parameters) == 0 })
	if len(all) == 0 || u.p.own == nil {
		return command{}, "", errNoExtension
	}
	person := topicOf(prompt) == topicEscalate
	i := slices.IndexFunc(all, func(c command) bool { return (topicOf(c.Title) == topicEscalate) == person })
	cmd = all[max(i, 0)]
	if topicOf(cmd.Title) != topicEscalate {
		return cmd, subject(prompt), nil
	}
	if before := len(u.p.copilot); before > 0 && len(wordsOf(prompt)) <= bareWish {
		return cmd, u.p.copilot[before-1].Prompt, nil
	}
	return cmd, prompt, nil
}

// subject is what is left of a question without the words that every question has,
// in the singular.
func subject(prompt string) string {
	var kept []string
	for _, word := range wordsOf(prompt) {
		if slices.Contains(strings.Fields("a about all an and any are be by can could do does find for from get give has have how i in is it "+
			"like list looking many me more much my of on our please product products search show some stock tell than that the their them there to us "+
			"want we what when where which who with you your"), word) {
			continue
		}
		if len(word) > 3 {
			word = strings.TrimSuffix(word, "s")
		}
		kept = append(kept, word)
	}
	return strings.Join(kept, " ")
}
