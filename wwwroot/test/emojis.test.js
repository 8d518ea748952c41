import assert from "node:assert/strict";
import { test } from "node:test";
import { emojis, find } from "../desk/emojis.js";

const found = (words, language) => find(words, language).map(({ emoji }) => emoji);

test("every emoji is there once, and has a name in each language", () => {
  assert.equal(new Set(emojis.map(({ emoji }) => emoji)).size, emojis.length);
  for (const { emoji, names } of emojis) {
    assert.deepEqual(Object.keys(names), ["en", "de", "ja", "ar"], emoji);
    for (const name of Object.values(names)) assert.match(name, /\S/, emoji);
  }
});

test("an emoji is found by its name in the agent's language, or in English", () => {
  assert.deepEqual(found("druck", "de"), ["🖨️"]);
  assert.deepEqual(found("printer", "de"), ["🖨️"]);
  assert.deepEqual(found("プリンター", "ja"), ["🖨️"]);
  assert.deepEqual(found("طابعة", "ar"), ["🖨️"]);
  assert.deepEqual(found("no such thing", "en"), []);
  assert.equal(found("", "en").length, emojis.length);
});

test("names that begin with the words come first", () => {
  assert.deepEqual(found("heart", "en"), ["😍", "❤️", "💙", "💚", "💔"]);
  assert.deepEqual(found("phone", "en"), ["📞", "📱"]);
  assert.equal(found("note", "en")[0], "📝");
});
