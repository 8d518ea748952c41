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

// ToAgentUserEnded tells the agent that the user ended the conversation.
func ToAgentUserEnded() Text { return Text{key: "to_agent_user_ended"} }

// ToAgentHostEnded tells the agent that the copilot took the conversation back.
func ToAgentHostEnded() Text { return Text{key: "to_agent_host_ended"} }

// ToAgentIdleEnded tells the agent that the conversation ended because nobody
// wrote.
func ToAgentIdleEnded() Text { return Text{key: "to_agent_idle_ended"} }

// ToAgentCapEnded tells the agent that the conversation had its longest time.
func ToAgentCapEnded() Text { return Text{key: "to_agent_cap_ended"} }

// ToAgentOperatorEnded tells the agent that somebody who runs the service ended
// the conversation.
func ToAgentOperatorEnded() Text { return Text{key: "to_agent_operator_ended"} }

// ToAgentUnreachableEnded tells the agent that the conversation ended because the
// user could not be reached.
func ToAgentUnreachableEnded() Text { return Text{key: "to_agent_unreachable_ended"} }

// ContextEarlier heads the user's earlier escalations, for the agent.
func ContextEarlier() Text { return Text{key: "context_earlier"} }

// ContextTranscript heads what user and copilot said before, for the agent.
func ContextTranscript() Text { return Text{key: "context_transcript"} }

// ContextVariables heads the copilot's variables, for the agent.
func ContextVariables() Text { return Text{key: "context_variables"} }

// ContextSummary labels the copilot's summary, for the agent.
func ContextSummary() Text { return Text{key: "context_summary"} }

// ContextReason labels why the user wants a person, for the agent.
func ContextReason() Text { return Text{key: "context_reason"} }

// ContextName labels the user's name, for the agent.
func ContextName() Text { return Text{key: "context_name"} }

// ContextEmail labels the user's e-mail address, for the agent.
func ContextEmail() Text { return Text{key: "context_email"} }

// ContextLocale labels the user's language, for the agent.
func ContextLocale() Text { return Text{key: "context_locale"} }

// ContextTimeZone labels the user's time zone, for the agent.
func ContextTimeZone() Text { return Text{key: "context_time_zone"} }

// ContextClient labels the program the user writes in, for the agent.
func ContextClient() Text { return Text{key: "context_client"} }

// ContextChannel labels the channel the user writes in, for the agent.
func ContextChannel() Text { return Text{key: "context_channel"} }

// SpeakerUser names the user in a transcript for the agent, where they have no
// name.
func SpeakerUser() Text { return Text{key: "speaker_user"} }

// SpeakerCopilot names the copilot in a transcript for the agent.
func SpeakerCopilot() Text { return Text{key: "speaker_copilot"} }

// SpeakerAgent names an agent without a name in a transcript for the agent.
func SpeakerAgent() Text { return Text{key: "speaker_agent"} }
