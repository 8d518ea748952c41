import assert from "node:assert/strict";
import { test } from "node:test";
import { fill, pick } from "../desk/words.js";

test("the first wish that we speak is the language", () => {
  assert.equal(pick(["fr-CA", "de-AT", "en"]), "de");
  assert.equal(pick([null, "constructor", "xx"]), "en");
});

test("values stand where they are named, and are taken as they are", () => {
  assert.equal(fill("{name} → {to}, {unknown}", { name: "{to}", to: "$&" }), "{to} → $&, {unknown}");
});
