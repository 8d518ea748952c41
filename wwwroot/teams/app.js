// The page: who you are, what you say, what you see.

import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { button, find } from "./dom.js";
import { drawer } from "./faults.js";
import { settings } from "./settings.js";
import { Stream } from "./stream.js";

const hints = ["Hello", "talk to a person", "good bye"];
const problem = find("problem");

let me = "";
let refreshFaults = () => {};
let showApp = () => {};
const mine = (path) => `api/people/${encodeURIComponent(me)}/${path}`;
const at = (line) => mine(`messages/${encodeURIComponent(line.id)}`);
const composer = new Composer({
  send: (message) => attempt("The message could not be sent. Try again.", "POST", mine("messages"), message),
  edit: (line, text) => attempt("The message could not be changed. Try again.", "PUT", at(line), { text }),
  typing: () => call("POST", mine("typing")).catch(() => {}),
});
const chat = new Chat({
  press: (line, title, inputs) => attempt("The button could not be pressed. Try again.", "POST", mine("presses"), { line: line.id, title, inputs }),
  react: (line, emoji, on) => attempt("The reaction could not be sent. Try again.", "POST", mine("reactions"), { line: line.id, emoji, on }),
  remove: (line) => attempt("The message could not be deleted. Try again.", "DELETE", at(line)),
  restore: (line) => attempt("The message could not be restored. Try again.", "POST", `${at(line)}/restored`),
  edit: (line) => composer.edit(line),
  quote: (line) => composer.quote(line),
});

const stream = new Stream({
  reset() {
    chat.clear();
    chat.holder("copilot");
    showApp("installed");
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
  app(app) {
    showApp(app);
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

// attempt reports whether the call was taken. Its failure is told to the user.
async function attempt(failure, method, url, body) {
  problem.textContent = "";
  const name = me;
  try {
    await call(method, url, body);
    return true;
  } catch {
    if (name === me) problem.textContent = failure;
    return name !== me;
  }
}

function become(name) {
  if (name === me) return;
  composer.become(me, name);
  me = name;
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
    composer.focus();
  });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

find("hints").append(...hints.map((hint) => button(hint, () => composer.say(hint))));

const people = await call("GET", "api/people");
find("people").append(...people.map(personButton));
showApp = settings(call, mine, (on) => composer.enable(on));
const before = sessionStorage.getItem("me");
become(people.some(({ name }) => name === before) ? before : people[0].name);
refreshFaults = await drawer(call);
