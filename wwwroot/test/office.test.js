import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { layout, roof } from "../desk/chart.js";
import { lateness } from "../desk/marks.js";
import { choose } from "../desk/running.js";

const at = (minutes) => new Date(minutes * 60_000).toISOString();
const limits = { waitMinutes: 5, idleMinutes: 15 };

test("who waits is overdue at the limit, a conversation idle", () => {
  const waiting = { state: "waiting", since: at(0) };
  const active = { state: "active", since: at(0) };
  const late = (c, minutes, by = limits) => lateness(c, by, minutes * 60_000);
  assert.deepEqual([late(waiting, 4.9), late(waiting, 5), late(active, 14.9), late(active, 15)], ["", "overdue", "", "idle"]);
  assert.equal(late({ state: "ended", since: at(0) }, 9999), "");
  assert.equal(late(waiting, 9999, { waitMinutes: 0, idleMinutes: 0 }) + late(active, 9999, { waitMinutes: 0, idleMinutes: 0 }), "");
});

test("who waits comes first, the longest before all, and filters go together", () => {
  const all = [
    { id: "a", state: "active", queue: "", agent: "Ana", since: at(0) },
    { id: "b", state: "waiting", queue: "Sales", agent: "", since: at(9) },
    { id: "c", state: "waiting", queue: "", agent: "", since: at(2) },
    { id: "d", state: "active", queue: "Sales", agent: "Bo", since: at(9) },
  ];
  const ids = (filter) => choose([...all], { state: "", queue: "", agent: "", ...filter }, limits, 16 * 60_000).map((c) => c.id).join("");
  assert.equal(ids({}), "cbad");
  assert.equal(ids({ state: "waiting" }), "cb");
  assert.equal(ids({ state: "idle" }), "a");
  assert.equal(ids({ queue: "=" }), "ca");
  assert.equal(ids({ queue: "=Sales", agent: "=Bo" }), "d");
  assert.equal(ids({ agent: "=" }), "cb");
});

test("no bar is above the chart's roof or beside the chart, from either side", () => {
  for (const most of [0, 1, 4, 5, 9, 10, 41, 99, 100, 12345]) assert.ok(roof(most) >= most && roof(most) <= Math.max(4, 2.5 * most), String(most));
  for (const rtl of [false, true]) {
    for (const n of [23, 24, 25]) {
      const hours = Array.from({ length: n }, (_, i) => ({ opened: i, ended: i % 3 ? 0 : 1000 }));
      const { bars } = layout(hours, 300, rtl);
      assert.equal(bars.length, n - 1 + Math.ceil(n / 3));
      for (const b of bars) assert.ok(b.x >= 0 && b.x + b.width <= 300 && b.y >= 0 && b.height > 0, JSON.stringify(b));
    }
  }
});

test("what the pages say is in the catalogues", () => {
  const desk = new URL("../desk/", import.meta.url);
  const said = JSON.parse(readFileSync(new URL("languages/de.json", desk), "utf8"));
  const names = new Set(["Contoso Live Chat", "Supervisor · Contoso Live Chat", "Settings · Contoso Live Chat"]);
  for (const page of ["supervisor.html", "settings.html"]) {
    const html = readFileSync(new URL(page, desk), "utf8");
    const texts = [...html.matchAll(/>([^<>]+)</g), ...html.matchAll(/(?:aria-label|placeholder|title)="([^"]+)"/g)]
      .map(([, text]) => text.trim().replace(/\s+/g, " ")).filter(Boolean);
    assert.ok(texts.length > 20, page);
    for (const text of texts) assert.ok(names.has(text) || Object.hasOwn(said, text), `${page}: ${text}`);
  }
});
