package texts

import "time"

// Connected tells the user that the live chat is open and nobody has joined yet.
func Connected() Text { return Text{key: "connected"} }

// Queued tells the user where they stand in the queue, as the live chat opens.
// Position counts from 1; what is zero is not known.
func Queued(position int, wait time.Duration) Text { return queue("queued", position, wait) }

// StillQueued tells a waiting user where they stand by now. Position counts from
// 1; what is zero is not known.
func StillQueued(position int, wait time.Duration) Text {
	return queue("still_queued", position, wait)
}

func queue(key string, position int, wait time.Duration) Text {
	switch {
	case position > 0 && wait > 0:
		return Text{key + "_position_wait", args{"position": count(position), "wait": span(wait)}}
	case position > 0:
		return Text{key + "_position", args{"position": count(position)}}
	case wait > 0:
		return Text{key + "_wait", args{"wait": span(wait)}}
	}
	return Text{key: key}
}

// NobodyJoined tells the user that nobody took the conversation in time. It comes
// with three choices: [ButtonKeepWaiting], [ButtonLeaveMessage], [ButtonCopilot].
func NobodyJoined() Text { return Text{key: "nobody_joined"} }

// KeptWaiting answers a user who chose to keep waiting.
func KeptWaiting() Text { return Text{key: "kept_waiting"} }

// LeaveMessage asks a user who chose to leave a message for it.
func LeaveMessage() Text { return Text{key: "leave_message"} }

// MessageLeft thanks the user for the message they left.
func MessageLeft() Text { return Text{key: "message_left"} }

// Closed tells the user that nobody is there outside business hours, and when
// they begin. A zero opens is not known.
func Closed(opens, now time.Time) Text {
	if opens.IsZero() {
		return Text{key: "closed"}
	}
	return Text{"closed_until", args{"time": occasion{opens, now}}}
}

// NoAgents tells the user that no agent is there, although it is business hours.
func NoAgents() Text { return Text{key: "no_agents"} }

// StartFailed tells the user that the live chat could not be opened.
func StartFailed() Text { return Text{key: "start_failed"} }

// OnlyTeams tells a user of another channel that live chats are for Teams.
func OnlyTeams() Text { return Text{key: "only_teams"} }

// NotConnected answers a user whose words reached the service although no person
// is there to hear them.
func NotConnected() Text { return Text{key: "not_connected"} }

// ButtonKeepWaiting is the title of a choice of [NobodyJoined].
func ButtonKeepWaiting() Text { return Text{key: "button_keep_waiting"} }

// ButtonLeaveMessage is the title of a choice of [NobodyJoined].
func ButtonLeaveMessage() Text { return Text{key: "button_leave_message"} }

// ButtonCopilot is the title of the choice that ends the waiting, of
// [NobodyJoined].
func ButtonCopilot() Text { return Text{key: "button_copilot"} }

// ButtonEnd is the title of the button that ends the conversation.
func ButtonEnd() Text { return Text{key: "button_end"} }

// ButtonPerson is the title of the button that asks for a person.
func ButtonPerson() Text { return Text{key: "button_person"} }

// ButtonSend is the title of the button that sends a form.
func ButtonSend() Text { return Text{key: "button_send"} }
