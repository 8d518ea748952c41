// Which conversations the list shows, and in which order.

// Times are compared as they are written: there may be thousands.
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const newest = (a, b) => compare(b.lastAt, a.lastAt);
const longest = (a, b) => compare(a.waitingSince ?? "", b.waitingSince ?? "");
// Who waits for words comes first, the longest waiting before all.
const needy = (a, b) => (a.waitingSince ? 0 : 1) - (b.waitingSince ? 0 : 1) || (a.waitingSince ? longest(a, b) : newest(a, b));

const lastEnded = (a, b) => compare(b.endedAt, a.endedAt);

const orders = { waiting: longest, active: needy, copilot: newest, ended: lastEnded };

// filters tell, by their names, whether a conversation is one of theirs; me is
// the agent.
export const filters = {
  mine: (c, me) => c.state === "active" && c.agent === me,
  unassigned: (c) => c.state === "waiting",
  all: (c) => c.state !== "ended",
  ended: (c) => c.state === "ended",
};

// concerns reports whether an agent is to be told of a conversation: it is theirs
// or nobody's.
export const concerns = (c, me) => filters.mine(c, me) || filters.unassigned(c);

// choose returns the groups the list shows: [{state, members}]. When a search
// found something, found holds the ids, and no filter applies.
export function choose(conversations, { filter, me, found }) {
  const groups = { waiting: [], active: [], copilot: [], ended: [] };
  for (const c of conversations) {
    if (found ? found.has(c.id) : filters[filter](c, me)) groups[c.state]?.push(c);
  }
  return Object.entries(groups).map(([state, members]) => ({ state, members: members.sort(orders[state]) }));
}

// count returns how many conversations each filter shows.
export function count(conversations, me) {
  const counts = { mine: 0, unassigned: 0, all: 0 };
  for (const c of conversations) {
    for (const name of Object.keys(counts)) counts[name] += filters[name](c, me) ? 1 : 0;
  }
  return counts;
}
