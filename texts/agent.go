package texts

// ToAgentLineFailed tells the agent that a line of theirs was given up. Reason is
// the outcome's class, a word such as refused.
func ToAgentLineFailed(reason string) Text {
	return Text{"to_agent_line_failed", args{"reason": words(reason)}}
}

// ToAgentLineUnclear tells the agent that nobody knows whether a line of theirs
// arrived.
func ToAgentLineUnclear() Text { return Text{key: "to_agent_line_unclear"} }

// ToAgentUnreachable tells the agent that the user blocked or removed the app.
func ToAgentUnreachable() Text { return Text{key: "to_agent_unreachable"} }

// ToAgentReachable tells the agent that the user can be reached again.
func ToAgentReachable() Text { return Text{key: "to_agent_reachable"} }

// ToAgentIdleEnded tells the agent that the conversation ended because nobody
// wrote.
func ToAgentIdleEnded() Text { return Text{key: "to_agent_idle_ended"} }

// ToAgentCapEnded tells the agent that the conversation had its longest time.
func ToAgentCapEnded() Text { return Text{key: "to_agent_cap_ended"} }

// SpeakerUser names the user in a transcript for the agent, where they have no
// name.
func SpeakerUser() Text { return Text{key: "speaker_user"} }
