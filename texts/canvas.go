package texts

// CopilotAnew tells the user of a hub's own chat that the copilot has lost what was
// said before.
func CopilotAnew() Text { return Text{key: "copilot_anew"} }

// CopilotLineFailed tells the user of a hub's own chat that a line of theirs was
// given up.
func CopilotLineFailed() Text { return Text{key: "copilot_line_failed"} }

// CopilotLineUnshown tells the user of a hub's own chat that the hub did not take a
// line of the copilot's.
func CopilotLineUnshown() Text { return Text{key: "copilot_line_unshown"} }
