// A bot's card: blocks from top to bottom. Its inputs go with the button pressed.

import { find, make } from "./dom.js";
import { render } from "./markdown.js";

let count = 0; // for ids and groups of inputs

// card returns the form of a card. press gets the title of a button and the inputs.
export function card({ blocks }, pressed, press) {
  const form = make("form", { className: "card" });
  form.append(...blocks.map((block) => kinds[block.kind](block, form, press)));
  if (pressed) form.append(make("p", { className: "sent", role: "status" }, `Your response was sent: ${pressed}`));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    press(event.submitter.value, inputs(form, blocks));
  });
  return form;
}

const kinds = {
  text: ({ text, heading, subtle }) => {
    const node = make("p", { className: heading ? "heading" : subtle ? "subtle" : "" });
    node.append(render(text));
    return node;
  },
  facts: ({ facts }) => make("dl", {}, ...facts.flatMap(({ title, value }) => [make("dt", {}, title), make("dd", {}, render(value))])),
  image: ({ url, text }) =>
    url.startsWith("data:image/")
      ? make("img", { src: url, alt: text ?? "" })
      : make("a", { href: url, target: "_blank", rel: "noopener noreferrer", className: "picture" }, text || "Picture"),
  input: (block) => {
    const id = `input-${++count}`;
    const field = make(block.multi ? "textarea" : "input", { id, name: block.id, required: Boolean(block.required) });
    return make("div", {}, make("label", { for: id }, label(block)), field);
  },
  choice: (block) =>
    choices(block, block.multi ? "checkbox" : "radio", block.choices.map(({ title, value }) => [title, value, title])),
  rating: (block) => {
    const stars = Array.from({ length: block.max }, (_, i) => ["★", String(i + 1), `${i + 1} of ${block.max}`]);
    const group = choices(block, "radio", stars);
    group.classList.add("rating");
    return group;
  },
  buttons: ({ actions }) => make("div", { className: "buttons" }, ...actions.map(action)),
};

function action({ kind, title, url }) {
  if (kind === "openUrl") return make("a", { href: url, target: "_blank", rel: "noopener noreferrer", className: "action" }, title);
  return make("button", { type: "submit", value: title, className: "action", formNoValidate: kind === "imBack" }, title);
}

function choices(block, type, list) {
  const name = `group-${++count}`;
  const group = make("fieldset", { name: block.id }, make("legend", {}, label(block)));
  for (const [shown, value, spoken] of list) {
    const box = make("input", { type, name, value, "aria-label": spoken, required: type === "radio" && Boolean(block.required) });
    group.append(make("label", {}, box, make("span", {}, shown)));
  }
  return group;
}

const label = ({ text, required }) => [text, required && (text ? "(required)" : "Required")].filter(Boolean).join(" ");

// inputs returns what was filled in, by the ids of the blocks.
function inputs(form, blocks) {
  const filled = {};
  for (const { id } of blocks.filter((block) => block.id)) {
    const field = form.elements.namedItem(id);
    const value =
      field.tagName === "FIELDSET"
        ? [...field.querySelectorAll(":checked")].map((box) => box.value).join(",")
        : field.value.trim();
    if (value) filled[id] = value;
  }
  return filled;
}

// file shows a picture, or a file to save.
export function file({ name, url, size, picture }) {
  if (picture) {
    const image = make("img", { src: url, alt: name || "Picture" });
    image.addEventListener("load", () => find("scroll").dispatchEvent(new Event("grown")));
    return make("a", { href: url, target: "_blank", className: "picture" }, image);
  }
  const icon = make("span", { className: "page", "aria-hidden": "true" });
  return make("a", { href: url, download: name, className: "file" }, icon, make("b", {}, name), make("small", {}, bytes(size)));
}

export function bytes(size) {
  if (size < 1024) return `${size} bytes`;
  if (size < 1024 * 1024) return `${Math.round(size / 1024)} KB`;
  return `${(size / 1024 / 1024).toFixed(1)} MB`;
}
