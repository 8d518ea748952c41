package texts

// HandoffContinuing greets a user who followed a link from Copilot.
func HandoffContinuing() Text { return Text{key: "handoff_continuing"} }

// HandoffExpired tells the user that a link from Copilot is too old or was used.
func HandoffExpired() Text { return Text{key: "handoff_expired"} }

// HandoffInvalid tells the user that a link from Copilot is none of ours, or
// somebody else's.
func HandoffInvalid() Text { return Text{key: "handoff_invalid"} }

// HandoffHelp tells the user what the bot's own chat is for. It comes with
// [ButtonPerson].
func HandoffHelp() Text { return Text{key: "handoff_help"} }

// HandoffGroup tells the members of a group chat or channel that the bot talks to
// one person at a time.
func HandoffGroup() Text { return Text{key: "handoff_group"} }

// HandoffWelcome greets a user who has just installed the bot.
func HandoffWelcome() Text { return Text{key: "handoff_welcome"} }

// HandoffSearchFailed tells a user of Copilot that the search found nothing because
// it did not run.
func HandoffSearchFailed() Text { return Text{key: "handoff_search_failed"} }
