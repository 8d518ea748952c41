// What happened in a conversation, in the agent's language.

import { t } from "./words.js";

const texts = {
  joined: "{sender} joined the conversation",
  left: "{sender} left the conversation",
  ended: "{sender} ended the conversation",
  opened: "The user opened the chat",
  passed: "The copilot handed the conversation over",
  returned: "{sender} returned the conversation to the copilot",
  transferred: "{sender} transferred the conversation to {to}",
};

// noteText returns the words of a line that nobody said.
export function noteText(line) {
  if (line.event === "ended" && !line.sender) return t("The user ended the conversation");
  const text = line.event === "transferred" && !line.to ? "" : texts[line.event];
  return text ? t(text, line) : line.message;
}
