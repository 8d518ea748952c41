package texts

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// examples returns every text there is, with arguments. It is what a translation
// is checked against.
func examples() []Text {
	return slices.Concat(startExamples(), talkExamples(), fileExamples(), agentExamples(), handoffExamples(), canvasExamples(), partExamples())
}

// known returns the examples by key.
func known() map[string]Text {
	byKey := map[string]Text{}
	for _, t := range examples() {
		byKey[t.key] = t
	}
	return byKey
}

// hint names the known key that one with a slip of the pen may have meant.
func hint(key string, known map[string]Text) string {
	plain := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
	}
	for _, candidate := range slices.Sorted(maps.Keys(known)) {
		if plain(candidate) == plain(key) {
			return "; did you mean " + candidate + "?"
		}
	}
	return "; liaison texts prints all there are"
}

// Times of the examples: a Friday, and the Monday after it.
func exampleNow() time.Time   { return time.Date(2026, time.July, 31, 17, 30, 0, 0, time.UTC) }
func exampleOpens() time.Time { return time.Date(2026, time.August, 3, 9, 0, 0, 0, time.UTC) }

func startExamples() []Text {
	const wait = 5 * time.Minute
	return []Text{
		Connected(),
		Queued(0, 0), Queued(3, 0), Queued(0, wait), Queued(3, wait),
		StillQueued(0, 0), StillQueued(2, 0), StillQueued(0, wait), StillQueued(2, wait),
		NobodyJoined(), KeptWaiting(), LeaveMessage(), MessageLeft(),
		Closed(time.Time{}, exampleNow()), Closed(exampleOpens(), exampleNow()), NoAgents(), StartFailed(),
		OnlyTeams(), NotConnected(),
		ButtonKeepWaiting(), ButtonLeaveMessage(), ButtonCopilot(), ButtonEnd(), ButtonPerson(), ButtonSend(),
	}
}

func talkExamples() []Text {
	answers := SurveyAnswers()
	return append([]Text{
		AgentJoined("Ada"), AgentJoined(""), AgentLeft("Ada"), AgentLeft(""),
		TransferredToAgent("Ada"), TransferredToAgent(""), TransferredToQueue("Billing"),
		AgentEnded("Ada"), AgentEnded(""), EndReason("solved"), EndSummary("The invoice was sent again."),
		YouEnded(), IdleReminder(5 * time.Minute), IdleEnded(), CapEnded(), TooLate("Ada"), TooLate(""),
		LineDelayed(), LineFailed(), LineTooLate(), Edited("At ten, not nine."), Deleted(),
		SurveyQuestion("Ada"), SurveyQuestion(""), SurveyThanks(), SurveyComment(), SurveyOver(),
	}, answers[:]...)
}

func fileExamples() []Text {
	const name = "photo.png"
	return []Text{
		FileLink(name, 1_600_000, "https://liaison.example.com/files/1", exampleOpens(), exampleNow()),
		FileTooBig(name, 20<<20), FileWrongType(name), FileExpired(name), FileFailed(name), FileUnreadable(name), FileNotShown(name),
		FileConsent(), FileDeclined(name),
	}
}

func agentExamples() []Text {
	return []Text{
		ToAgentLineFailed("refused"), ToAgentLineUnclear(), ToAgentUnreachable(), ToAgentReachable(),
		ToAgentIdleEnded(), ToAgentCapEnded(), SpeakerUser(),
	}
}

func handoffExamples() []Text {
	all := []Text{
		HandoffContinuing(), HandoffExpired(), HandoffInvalid(), HandoffHelp(), HandoffGroup(), HandoffWelcome(), HandoffSearchFailed(),
	}
	for _, t := range []Text{
		MessageLeft(), NotConnected(), ButtonCopilot(), AgentEnded("Ada"), AgentEnded(""), YouEnded(), IdleEnded(), CapEnded(),
		TooLate("Ada"), TooLate(""),
	} {
		all = append(all, t.inOwnChat())
	}
	return all
}

func canvasExamples() []Text { return []Text{CopilotAnew(), CopilotLineFailed(), CopilotLineUnshown()} }

func partExamples() []Text {
	all := []Text{
		durationMoment(), durationMinutes(5), durationHours(2), sizeBytes(512), sizeKB(1.5), sizeMB(20), sizeGB(1.5),
		timeClock(14, 5, "PM"), halfAM(), halfPM(), timeToday("2:05 PM"), timeTomorrow("2:05 PM"),
		timeWeekday("Monday", "2:05 PM"), timeDate("Monday", 3, "August", "2:05 PM"),
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		all = append(all, weekdayName(d))
	}
	for m := time.January; m <= time.December; m++ {
		all = append(all, monthName(m))
	}
	return all
}
