// The page: who you are, what you say, what you see.

import { Chat, chip } from "./chat.js";
import { drawer } from "./faults.js";
import { Stream } from "./stream.js";

const hints = ["Hello", "talk to a person", "good bye"];
const find = (id) => document.getElementById(id);
const text = find("text");
const problem = find("problem");

let me = "";
const drafts = new Map();
const chat = new Chat((words) => say(words));
let refreshFaults = () => {};

const stream = new Stream({
  reset() {
    chat.clear();
    chat.holder("copilot");
  },
  line(line) {
    chat.line(line);
    if (line.author === "agent") refreshFaults();
  },
  holder(holder) {
    chat.holder(holder);
  },
  typing(since) {
    chat.typing(since);
  },
  online(on) {
    find("offline").hidden = on;
  },
});

async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: body && { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

async function say(words) {
  problem.textContent = "";
  const name = me;
  try {
    await call("POST", `api/people/${encodeURIComponent(name)}/messages`, { text: words });
  } catch {
    if (name !== me) return;
    problem.textContent = "The message could not be sent. Try again.";
    if (!text.value) setText(words);
  }
}

function setText(words) {
  text.value = words;
  find("send").disabled = !words.trim();
}

function become(name) {
  if (name === me) return;
  drafts.set(me, text.value);
  me = name;
  setText(drafts.get(me) ?? "");
  problem.textContent = "";
  for (const button of find("people").querySelectorAll("button")) {
    if (button.dataset.name === me) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  sessionStorage.setItem("me", me);
  document.title = `${me} | Contoso copilot`;
  stream.open(me);
}

function personButton({ name }) {
  const [first, ...rest] = name.split(" ");
  const avatar = document.createElement("span");
  avatar.className = "avatar";
  avatar.setAttribute("aria-hidden", "true");
  avatar.textContent = first[0] + (rest.at(-1)?.[0] ?? "");
  const label = document.createElement("span");
  const bold = document.createElement("b");
  const family = document.createElement("span");
  family.className = "family";
  family.textContent = rest.length ? ` ${rest.join(" ")}` : "";
  bold.append(first, family);
  const small = document.createElement("small");
  small.textContent = "Chat with Contoso copilot";
  label.append(bold, small);
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.name = name;
  button.append(avatar, label);
  button.addEventListener("click", () => {
    become(name);
    text.focus();
  });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

find("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words) return;
  setText("");
  say(words);
});
text.addEventListener("input", () => {
  find("send").disabled = !text.value.trim();
});
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find("composer").requestSubmit();
});
find("hints").append(...hints.map((hint) => chip(hint, () => say(hint))));

const people = await call("GET", "api/people");
find("people").append(...people.map(personButton));
const before = sessionStorage.getItem("me");
become(people.some(({ name }) => name === before) ? before : people[0].name);
refreshFaults = await drawer(call);
