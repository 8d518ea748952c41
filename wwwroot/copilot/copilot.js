// The page: who you are, what you ask Copilot, and what its agent answers. The button
// of a card leads into a chat in Teams.

import { card } from "../card.js";
import { call } from "../call.js";
import { button, find, make } from "../dom.js";
import { people } from "../people.js";

const hints = ["Which teas do you have?", "Show me seafood", "I need to talk to a person"];
const problem = find("problem");
const text = find("text");

let me = "";
const mine = (path) => `../api/people/${encodeURIComponent(me)}/${path}`;

// said returns a line of the chat: the user's, or Copilot's.
function said(own, ...content) {
  const item = make("li", { className: own ? "said mine" : "said answer" });
  const by = make("p", { className: "by" }, make("b", {}, own ? "You" : "Copilot"));
  item.append(make("img", { src: "spark.svg", alt: "", width: 32, height: 32 }), by, make("div", { className: "content" }, ...content));
  return item;
}

function asked(prompt) {
  find("empty").hidden = true;
  find("log").append(said(true, make("div", { className: "bubble" }, prompt)));
  toEnd();
}

function answered({ text: words, results }) {
  const content = [make("div", { className: "bubble" }, words)];
  if (results?.length) {
    const list = make("ul", { className: "results" }, ...results.map((result) => make("li", {}, card(result.card, "", () => {}))));
    list.addEventListener("click", follow);
    content.push(list);
  }
  find("log").append(said(false, ...content));
  toEnd();
}

function toEnd() {
  find("scroll").scrollTop = find("scroll").scrollHeight;
}

// follow does what Teams does with a link to a chat: the bot gets it first, then the
// chat is shown. Other links open as links do.
async function follow(event) {
  const link = event.target.closest("a.action");
  if (!link?.href.startsWith("https://teams.microsoft.com/l/chat/")) return;
  event.preventDefault();
  problem.textContent = "";
  link.setAttribute("aria-busy", "true");
  try {
    await call("POST", mine("links"), { url: link.href });
    location.href = `../?as=${encodeURIComponent(me)}&chat=bot`;
  } catch (failure) {
    problem.textContent = failure.status === 409 ? "Teams would lead you to its Store: the app is not installed." : "Teams could not open the chat. Press the button again.";
  } finally {
    link.removeAttribute("aria-busy");
  }
}

async function ask(prompt) {
  problem.textContent = "";
  const name = me;
  asked(prompt);
  find("typing").hidden = false;
  toEnd();
  try {
    const answer = await call("POST", mine("copilot"), { prompt });
    if (name === me) answered(answer);
  } catch {
    if (name === me) problem.textContent = "Copilot does not answer. Try again.";
  } finally {
    if (name === me) find("typing").hidden = true;
  }
}

async function become(name) {
  if (name === me) return;
  me = name;
  sessionStorage.setItem("me", me);
  document.title = `${me} | Microsoft 365 Copilot`;
  find("teams").href = `../?as=${encodeURIComponent(me)}`;
  find("typing").hidden = true;
  problem.textContent = "";
  find("log").replaceChildren();
  find("empty").hidden = false;
  const chat = await call("GET", mine("copilot"));
  if (name !== me) return;
  for (const answer of chat) {
    asked(answer.prompt);
    answered(answer);
  }
}

find("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const prompt = text.value.trim();
  if (!prompt) return;
  text.value = "";
  find("send").disabled = true;
  ask(prompt);
});
text.addEventListener("input", () => {
  find("send").disabled = !text.value.trim();
});
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find("composer").requestSubmit();
});
find("anew").addEventListener("click", async () => {
  await call("DELETE", mine("copilot"));
  find("log").replaceChildren();
  find("empty").hidden = false;
  text.focus();
});
find("hints").append(...hints.map((hint) => button(hint, () => ask(hint))));

const { first, show } = people(await call("GET", "../api/people"), "", (name) => {
  show(name);
  become(name);
  text.focus();
});
show(first);
become(first);
