import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, concerns, count } from "../desk/filter.js";

const conversations = [
  { id: "a", state: "active", agent: "Ana", lastAt: "3", waitingSince: null },
  { id: "b", state: "active", agent: "Ana", lastAt: "1", waitingSince: "2" },
  { id: "c", state: "active", agent: "Bo", lastAt: "2", waitingSince: null },
  { id: "d", state: "waiting", agent: "", lastAt: "9", waitingSince: "5" },
  { id: "e", state: "waiting", agent: "", lastAt: "1", waitingSince: "4" },
  { id: "h", state: "copilot", agent: "", lastAt: "8", waitingSince: null },
  { id: "f", state: "ended", agent: "Ana", lastAt: "2", endedAt: "1", waitingSince: null },
  { id: "g", state: "ended", agent: "Bo", lastAt: "1", endedAt: "2", waitingSince: null },
];

const ids = (view) => choose(conversations, { me: "Ana", found: null, ...view }).flatMap(({ members }) => members.map((c) => c.id)).join("");

test("who waits longest is first, and the newest of the others", () => {
  assert.equal(ids({ filter: "all" }), "edbach");
  assert.equal(ids({ filter: "mine" }), "ba");
  assert.equal(ids({ filter: "unassigned" }), "ed");
  assert.equal(ids({ filter: "ended" }), "gf");
});

test("a search shows what it found, whatever the filter", () => {
  assert.equal(ids({ filter: "mine", found: new Set(["c", "f"]) }), "cf");
});

test("an agent is counted, and told of, their own and nobody's", () => {
  assert.deepEqual(count(conversations, "Ana"), { mine: 2, unassigned: 2, all: 6 });
  assert.deepEqual(conversations.filter((c) => concerns(c, "Bo")).map((c) => c.id), ["c", "d", "e"]);
});
