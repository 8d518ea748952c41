package sandbox

import "testing"

func TestTopicOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]topic{
		"Hello":        topicGreeting,
		"hi there!":    topicGreeting,
		"Good morning": topicGreeting,
		"Hello, I can't log in and my password does not work": topicNone,

		"talk to a person":                         topicEscalate,
		"I need to talk to a person":               topicEscalate,
		"I want to talk with a person":             topicEscalate,
		"Can I speak with someone?":                topicEscalate,
		"human":                                    topicEscalate,
		"A HUMAN, please!":                         topicEscalate,
		"agent please":                             topicEscalate,
		"live agent":                               topicEscalate,
		"connect me to a representative":           topicEscalate,
		"let me chat with one of your people":      topicEscalate,
		"please transfer me to an operator":        topicEscalate,
		"Hello, I'd like to speak to your manager": topicEscalate,
		"escalate this":                            topicEscalate,
		"I don't want to talk to a human":          topicNone,
		"what does a travel agent cost in Spain":   topicNone,

		"bye":                          topicGoodbye,
		"Bye!":                         topicGoodbye,
		"good bye":                     topicGoodbye,
		"Goodbye.":                     topicGoodbye,
		"ok, thanks, bye bye":          topicGoodbye,
		"Thank you very much, goodbye": topicGoodbye,
		"see you later":                topicGoodbye,
		"👋 bye":                        topicGoodbye,

		"no thank you, goodbye and good riddance is what he told me": topicNone,
		"I said good bye to my old laptop":                           topicNone,
		"The bye week is in June":                                    topicNone,
		"goodbye message does not work":                              topicNone,
		"thanks":                                                     topicNone,
		"":                                                           topicNone,
		"42":                                                         topicNone,
	} {
		if got := topicOf(text); got != want {
			t.Errorf("topicOf(%q) = %d, want %d", text, got, want)
		}
	}
}
