// Package texts is what the service says to users and agents in its own words:
// every sentence, in several languages, each replaceable by a file.
//
// A [Text] is a sentence with its arguments, made by the function named for it,
// so that the compiler checks the arguments. A [Voice] is one listener's language
// and time zone, and says it:
//
//	voice := catalogue.In("de-CH", "Europe/Zurich")
//	voice.Say(texts.AgentJoined("Ada")) // Ada ist dem Gespräch beigetreten.
//
// A sentence is written in a small part of ICU's message format
// (https://unicode-org.github.io/icu/userguide/format_parse/messages/): {name} is
// an argument, and {n, plural, =1 {…} one {…} other {…}} chooses by a number, by
// CLDR's forms. A brace has no other meaning and cannot be quoted; an apostrophe is
// one. Arguments are put in as they are and never read as a format; names and
// words in another direction of writing are isolated from the sentence (UAX #9).
//
// The package knows neither side's protocol, and what it returns is plain text.
package texts
