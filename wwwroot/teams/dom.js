// Small help with the DOM.

export const find = (id) => document.getElementById(id);

// make returns an element with properties and children. Strings become text.
export function make(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

export function button(text, act, className = "chip") {
  return make("button", { type: "button", className, textContent: text, onclick: act });
}
