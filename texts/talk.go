package texts

import (
	"strings"
	"time"
)

// named is the text of key with the agent's name, or the one for an agent
// without.
func named(key, agent string) Text {
	if strings.TrimSpace(agent) == "" {
		return Text{key: key + "_unnamed"}
	}
	return Text{key, args{"agent": words(agent)}}
}

// AgentJoined tells the user who has taken the conversation. The name may be
// empty.
func AgentJoined(agent string) Text { return named("agent_joined", agent) }

// AgentLeft tells the user that an agent has gone and another will come. The name
// may be empty.
func AgentLeft(agent string) Text { return named("agent_left", agent) }

// TransferredToAgent tells the user who takes over. The name may be empty.
func TransferredToAgent(agent string) Text { return named("transferred_to_agent", agent) }

// TransferredToQueue tells the user which queue they wait in from now on.
func TransferredToQueue(queue string) Text {
	return Text{"transferred_to_queue", args{"queue": words(queue)}}
}

// AgentEnded tells the user that the agent has ended the conversation. The name
// may be empty. [EndReason] and [EndSummary] may follow on lines of their own.
func AgentEnded(agent string) Text { return named("agent_ended", agent) }

// EndReason tells the user why the agent ended the conversation.
func EndReason(reason string) Text { return Text{"end_reason", args{"reason": words(reason)}} }

// EndSummary tells the user the agent's summary of the conversation.
func EndSummary(summary string) Text { return Text{"end_summary", args{"summary": words(summary)}} }

// YouEnded tells the user that they ended the conversation.
func YouEnded() Text { return Text{key: "you_ended"} }

// IdleReminder tells a silent user when the conversation ends if they stay so.
func IdleReminder(left time.Duration) Text { return Text{"idle_reminder", args{"time": span(left)}} }

// IdleEnded tells the user that the conversation ended because nobody wrote.
func IdleEnded() Text { return Text{key: "idle_ended"} }

// CapEnded tells the user that the conversation had its longest time.
func CapEnded() Text { return Text{key: "cap_ended"} }

// TooLate tells a user who still writes to the agent, after the end, who reads
// it. The agent's name may be empty.
func TooLate(agent string) Text { return named("too_late", agent) }

// LineDelayed tells the user, once, that a line of theirs is not delivered yet.
func LineDelayed() Text { return Text{key: "line_delayed"} }

// LineFailed tells the user that a line of theirs was given up.
func LineFailed() Text { return Text{key: "line_failed"} }

// LineTooLate tells the user that a line of theirs was given up, after the end.
func LineTooLate() Text { return Text{key: "line_too_late"} }

// Edited is said to both sides: a line as it reads since it was edited, where the
// line itself cannot be changed.
func Edited(text string) Text { return Text{"edited", args{"text": words(text)}} }

// Deleted is said to both sides, in place of a line that was deleted.
func Deleted() Text { return Text{key: "deleted"} }

// SurveyQuestion asks the user how the conversation was. The agent's name may be
// empty.
func SurveyQuestion(agent string) Text { return named("survey_question", agent) }

// SurveyAnswers are the five answers to [SurveyQuestion], the worst first.
func SurveyAnswers() [5]Text {
	return [5]Text{{key: "survey_1"}, {key: "survey_2"}, {key: "survey_3"}, {key: "survey_4"}, {key: "survey_5"}}
}

// SurveyComment asks the user for words beside their answer, on its page.
func SurveyComment() Text { return Text{key: "survey_comment"} }

// SurveyOver tells the user, on the page of [SurveyQuestion], that it was answered
// or that too much time has passed.
func SurveyOver() Text { return Text{key: "survey_over"} }

// SurveyThanks thanks the user for their answer.
func SurveyThanks() Text { return Text{key: "survey_thanks"} }
