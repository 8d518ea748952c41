import assert from "node:assert/strict";
import { test } from "node:test";
import { news } from "../desk/alerts.js";
import { parts } from "../desk/links.js";
import { expand, matching } from "../desk/template.js";

const links = (text) => parts(text).filter((part) => part.href).map((part) => part.href);

test("only http and https are links, without the sentence's end", () => {
  assert.deepEqual(links("see https://a.example/b, or (http://c.example)."), ["https://a.example/b", "http://c.example/"]);
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "https://", "www.a.example", "file:///etc/passwd"]) {
    assert.deepEqual(links(bad), [], bad);
  }
});

test("all of a text is kept", () => {
  for (const text of ["", "a", "https://a.example", "x https://a.example/?q=1&r=<b> y"]) {
    assert.equal(parts(text).map((part) => part.text).join(""), text);
  }
});

test("a reply's names are filled in, unknown ones are left out", () => {
  const values = { "user.name": "{{agent.name}} $&", "agent.name": undefined };
  assert.equal(expand("Hi {{ user.name }}{{agent.name}}{{constructor}}!", values), "Hi {{agent.name}} $&!");
});

test("replies whose name begins with the words come first", () => {
  const replies = [{ name: "bye", text: "hello and goodbye" }, { name: "hello", text: "Hi" }, { name: "x", text: "y" }];
  assert.deepEqual(matching(replies, "HEL").map((reply) => reply.name), ["hello", "bye"]);
});

test("an agent is told of what is theirs or nobody's", () => {
  const waiting = { state: "waiting", agent: "", unread: 1 };
  const mine = { state: "active", agent: "Ana", unread: 1 };
  const words = { from: "user", event: "message", sender: "Alex" };
  assert.equal(news(undefined, waiting, null, "Ana"), "opened");
  assert.equal(news({ ...mine, agent: "Bo" }, mine, { sender: "Bo" }, "Ana"), "assigned");
  assert.equal(news({ ...mine, agent: "" }, mine, { sender: "Ana" }, "Ana"), "");
  assert.equal(news({ ...mine, unread: 0 }, mine, words, "Ana"), "replied");
  assert.equal(news({ ...mine, unread: 0 }, mine, words, "Bo"), "");
  assert.equal(news(mine, mine, words, "Ana"), "");
});
