import assert from "node:assert/strict";
import { test } from "node:test";
import { split } from "../desk/handover.js";

const line = (from, message, event = "message") => ({ from, message, event });

test("what the user said while the copilot let go is left for people", () => {
  const c = { origin: "canvas", state: "waiting" };
  const lines = [line("user", "a person"), line("copilot", "one moment"), line("user", "order 77"), line("system", "", "passed")];
  const told = [{ side: "user", text: "a person" }, { side: "copilot", text: "one moment" }];
  assert.deepEqual(split(c, lines, told), { before: told, lines: lines.slice(2) });
  assert.deepEqual(split(c, lines.toSpliced(2, 1), told), { before: told, lines: lines.slice(3) });
  assert.equal(split(c, lines, []).before.length, 3); // nobody told: it is as it was
});
