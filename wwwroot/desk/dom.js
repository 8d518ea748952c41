// Builds elements. Text only ever becomes text nodes, so nobody's words can
// become markup.

import { locale, t } from "./words.js";

export const byId = (id) => document.getElementById(id);

// el makes an element; properties named like attributes are set as attributes.
// A child that is null or false is left out.
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

// shape draws a small icon from path data.
export function shape(path) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(ns, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

const shapes = {
  waiting: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3l2 2",
  active: "M2.500 4.500a2 2 0 0 1 2-2h7a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H8l-3 2.500v-2.500h-.5a2 2 0 0 1-2-2z",
  copilot: "M4 6.500h8v6H4zM8 6.500v-3M6.500 9.500v.01M9.500 9.500v.01M2 9v1.500M14 9v1.500",
  ended: "M3 8.500 6.500 12 13 4.500",
  queued: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3l2 2",
  sent: "M3 8.500 6.500 12 13 4.500",
  failed: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3.500M8 11v.01",
  unknown: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM6.300 6.300a1.700 1.700 0 1 1 2.400 1.600c-.5.200-.7.500-.7 1M8 11v.01",
  unreachable: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM3.800 3.800l8.400 8.400",
  warning: "M8 2.500 14 13H2zM8 6.500v3M8 11.200v.01",
  copy: "M5.500 5.500h7v7h-7zM3.500 10.500v-7h7",
};

export const icon = (name) => shape(shapes[name]);

const stateWords = { waiting: "Waiting", active: "Active", copilot: "With the copilot", ended: "Ended" };

// stateTag shows a conversation's state as icon, word and colour.
export function stateTag(state) {
  return el("span", { class: `state ${state}` }, icon(state), stateWords[state] ? t(stateWords[state]) : state);
}

// face is the user's initials on a colour that stays theirs.
export function face(name, id) {
  const letters = name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
  let sum = 0;
  for (const unit of id) sum = (sum * 31 + unit.codePointAt(0)) % 997;
  return el("span", { class: `face face-${sum % 6}`, "aria-hidden": "true" }, letters || "?");
}

export function nameOf(conversation) {
  return conversation.user.name || conversation.user.email || t("Unnamed user");
}

// size is how large a file is, as people say it.
export function size(bytes) {
  const write = (number, unit) => new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: 1 }).format(number);
  if (bytes < 1024) return write(bytes, "byte");
  return bytes < 1 << 20 ? write(Math.ceil(bytes / 1024), "kilobyte") : write(bytes / (1 << 20), "megabyte");
}

// place puts nodes into a parent in order, moving none that is in its place.
export function place(parent, nodes) {
  let next = parent.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}
