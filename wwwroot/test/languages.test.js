import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const desk = new URL("../desk/", import.meta.url);
const read = (name) => readFileSync(new URL(name, desk), "utf8");
const catalogues = Object.fromEntries(["de", "ja", "ar"].map((code) => [code, JSON.parse(read(`languages/${code}.json`))]));
const named = (text) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

test("every catalogue holds the same texts, with the same values in them", () => {
  for (const [code, catalogue] of Object.entries(catalogues)) {
    assert.deepEqual(Object.keys(catalogue), Object.keys(catalogues.de), code);
    for (const [text, said] of Object.entries(catalogue)) assert.deepEqual(named(said), named(text), `${code}: ${text}`);
  }
});

test("every text that a module says is in the catalogues", () => {
  for (const file of readdirSync(desk).filter((name) => name.endsWith(".js"))) {
    for (const [, text] of read(file).matchAll(/\bt\("([^"]+)"/g)) {
      assert.ok(Object.hasOwn(catalogues.de, text) || ["ID", "Client"].includes(text), `${file}: ${text}`);
    }
  }
});

test("the panel names everybody who can end a conversation", () => {
  const [, enders] = read("panel.js").match(/const enders = \{(.*)\};/);
  const named = Object.fromEntries([...enders.matchAll(/(\w+): "([^"]+)"/g)].map(([, who, text]) => [who, text]));
  assert.deepEqual(Object.keys(named).sort(), ["agent", "copilot", "user"]);
  for (const text of Object.values(named)) assert.ok(Object.hasOwn(catalogues.de, text), text);
});
