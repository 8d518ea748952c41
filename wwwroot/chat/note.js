// What happens in a conversation, in words for its user.

const usual = 3000; // ms in which the copilot's side mostly takes words

const texts = {
  passed: "A person has been asked for.",
  joined: "You now talk to {sender}.",
  left: "{sender} has left. Somebody else will come.",
  transferred: "{sender} hands you over to {to}.",
  returned: "You now talk to the copilot again.",
  ended: "This conversation has ended.",
};

// note returns the text of a line, in English; "" for one that is no news.
export const note = (line) => texts[line.event] ?? "";

// status returns with whom the user is, in English, and what fills the text.
export function status({ state, agent, place }) {
  switch (state) {
    case "copilot": return ["You talk to the copilot", {}];
    case "waiting": return place ? ["A person will come. You are number {place}", { place }] : ["A person will come", {}];
    case "active": return ["You talk to {agent}", { agent }];
    default: return ["Ended", {}];
  }
}

// offered returns the choices the user has now: those of the copilot's last words,
// until somebody has said something since.
export function offered(conversation, lines) {
  const last = lines.filter((line) => line.event === "message").at(-1);
  return conversation.state === "copilot" && last?.from === "copilot" ? last.choices ?? [] : [];
}

// delivery returns how far the user's own words have come: a state that has a text
// and an icon of its own. What the copilot had not heard when people took over is
// theirs to read.
export function delivery(line, { seen, state }, now = Date.now()) {
  if (["sending", "unsent", "failed"].includes(line.state)) return line.state;
  if (line.state === "queued" && state === "copilot") return now - line.since < usual ? "sending" : "waiting";
  return line.state !== "sent" && line.position <= seen ? "seen" : "sent";
}
