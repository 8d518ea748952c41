import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { delivery, note, offered, status } from "../chat/note.js";
import { unread } from "../chat/unread.js";

const chat = new URL("../chat/", import.meta.url);
const read = (name) => readFileSync(new URL(name, chat), "utf8");
const catalogues = Object.fromEntries(["de", "ja", "ar"].map((code) => [code, JSON.parse(read(`languages/${code}.json`))]));
const named = (text) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();
const known = (text, where) => assert.ok(Object.hasOwn(catalogues.de, text), `${where}: ${text}`);

test("every catalogue of the chat holds the same texts, with the same values in them", () => {
  for (const [code, catalogue] of Object.entries(catalogues)) {
    assert.deepEqual(Object.keys(catalogue), Object.keys(catalogues.de), code);
    for (const [text, said] of Object.entries(catalogue)) assert.deepEqual(named(said), named(text), `${code}: ${text}`);
  }
});

test("every text that the chat says is in its catalogues", () => {
  const modules = [...readdirSync(chat).filter((name) => name.endsWith(".js")), "../desk/files.js", "../desk/time.js"];
  for (const file of modules) for (const [, text] of read(file).matchAll(/\bt\("([^"]+)"/g)) known(text, file);
  for (const [, text] of read("index.html").matchAll(/>([^<>]*[a-z][^<>]*)</g)) known(text.trim(), "index.html");
  for (const [, text] of read("index.html").matchAll(/(?:aria-label|placeholder)="([^"]+)"/g)) known(text, "index.html");
  for (const event of ["passed", "joined", "left", "transferred", "returned", "ended"]) known(note({ event }), event);
  for (const state of ["copilot", "waiting", "active", "ended"]) known(status({ state })[0], state);
  known(status({ state: "waiting", place: 2 })[0], "place");
});

test("what is among agents is no news for the user", () => {
  for (const event of ["opened", "queued", "edited", "message", "constructor x"]) assert.equal(note({ event }), "");
});

test("choices are offered until somebody says something", () => {
  const choices = [{ title: "A", value: "a" }];
  const asked = { event: "message", from: "copilot", choices };
  assert.deepEqual(offered({ state: "copilot" }, [asked]), choices);
  assert.deepEqual(offered({ state: "copilot" }, [asked, { event: "returned", from: "system" }]), choices);
  assert.deepEqual(offered({ state: "copilot" }, [asked, { event: "message", from: "user" }]), []);
  assert.deepEqual(offered({ state: "waiting" }, [asked]), []);
  assert.deepEqual(offered({ state: "copilot" }, []), []);
});

test("how far words have come", () => {
  const copilot = { seen: 9, state: "copilot" };
  const people = { seen: 9, state: "active" };
  assert.equal(delivery({ state: "sending" }, copilot), "sending");
  assert.equal(delivery({ state: "unsent" }, copilot), "unsent");
  assert.equal(delivery({ state: "failed", position: 1 }, copilot), "failed");
  assert.equal(delivery({ state: "queued", position: 1, since: 100 }, copilot, 200), "sending");
  assert.equal(delivery({ state: "queued", position: 1, since: 100 }, copilot, 9000), "waiting");
  assert.equal(delivery({ state: "queued", position: 9, since: 100 }, people, 9000), "seen", "people took over");
  assert.equal(delivery({ state: "queued", position: 10, since: 100 }, people, 9000), "sent", "people took over");
  assert.equal(delivery({ state: "sent", position: 1 }, people), "sent", "the copilot's");
  assert.equal(delivery({ position: 9 }, people), "seen");
  assert.equal(delivery({ position: 10 }, people), "sent");
});

test("unread is what others said behind the last line that was seen", () => {
  const lines = [[1, "copilot"], [2, "user"], [3, "agent"], [4, "system", "left"], [5, "agent"]]
    .map(([position, from, event = "message"]) => ({ position, from, event }));
  assert.equal(unread(lines, 1), 2);
  assert.equal(unread(lines, 3), 1);
  assert.equal(unread(lines, 5), 0);
});
