// One line of the chat: bubble, cards, files, reactions and what can be done
// with it.

import { card, file } from "./card.js";
import { button, make } from "./dom.js";
import { render } from "./markdown.js";

const emoji = { like: "👍", heart: "❤️", laugh: "😆", surprised: "😮", sad: "😢", angry: "😠" };

// content returns what stands under the author's name. act has what the user can
// do: press, edit, remove, restore, quote, react.
export function content(line, act) {
  const node = make("div", { className: "content" });
  if (line.text || line.deleted || !(line.cards || line.files)) node.append(bubble(line));
  node.append(...(line.files ?? []).map(file));
  node.append(...(line.cards ?? []).map((c) => card(c, line.pressed, (title, inputs) => act.press(line, title, inputs))));
  if (line.reactions?.length) {
    node.append(make("p", { className: "reactions", "aria-label": `Reactions: ${line.reactions.join(", ")}` }, line.reactions.map((r) => emoji[r] ?? r).join(" ")));
  }
  node.append(tools(line, act));
  return node;
}

function bubble(line) {
  const node = make("div", { className: "bubble" });
  if (line.deleted) {
    node.classList.add("gone");
    node.textContent = "This message has been deleted.";
    return node;
  }
  node.append(render(line.text, line.format));
  if (line.edited) node.append(make("span", { className: "edited" }, "Edited"));
  return node;
}

function tools(line, act) {
  const group = make("div", { className: "tools", role: "group", "aria-label": "This message" });
  const tool = (text, does) => {
    const node = button(text, () => does(line), "tool");
    node.dataset.tool = text.toLowerCase();
    group.append(node);
    return node;
  };
  if (line.author === "user") {
    if (line.deleted) tool("Undo", act.restore);
    else {
      if (line.text) tool("Edit", act.edit);
      tool("Delete", act.remove);
    }
  } else if (!line.deleted) {
    const liked = line.reactions?.includes("like");
    const like = tool("Like", () => act.react(line, "like", !liked));
    like.setAttribute("aria-pressed", String(Boolean(liked)));
    if (line.text) tool("Reply", act.quote);
  }
  return group;
}
