// The list of who the user may be.

import { find, make } from "./dom.js";

// people fills the list and returns who is first, the one that the address or the
// session names if there is one, and what shows who the user is. become is called with
// the name that was chosen. The list says with whom they chat, unless partner is empty.
export function people(all, partner, become) {
  find("people").append(...all.map(({ name }) => item(name, partner, become)));
  const wanted = [new URLSearchParams(location.search).get("as"), sessionStorage.getItem("me")];
  return {
    first: wanted.find((name) => all.some((known) => known.name === name)) ?? all[0].name,
    show(name) {
      for (const node of find("people").querySelectorAll("button")) {
        if (node.dataset.name === name) node.setAttribute("aria-current", "true");
        else node.removeAttribute("aria-current");
      }
    },
  };
}

function item(name, partner, become) {
  const [first, ...rest] = name.split(" ");
  const avatar = make("span", { className: "avatar", "aria-hidden": "true" }, first[0] + (rest.at(-1)?.[0] ?? ""));
  const family = make("span", { className: "family" }, rest.length ? ` ${rest.join(" ")}` : "");
  const label = make("span", {}, make("b", {}, first, family));
  if (partner) label.append(make("small", {}, `Chat with ${partner}`));
  const node = make("button", { type: "button", onclick: () => become(name) }, avatar, label);
  node.dataset.name = name;
  return make("li", {}, node);
}

// switcher fills the list of chats, of which there may be none, and returns what shows
// which is open.
export function switcher(partners, open) {
  const list = find("chats");
  list.hidden = partners.length === 0;
  list.append(
    ...partners.map((partner) => {
      const image = make("img", { src: partner.icon, alt: "", width: 24, height: 24 });
      const node = make("button", { type: "button", onclick: () => open(partner) }, image, make("b", {}, partner.name));
      node.dataset.chat = partner.chat;
      return make("li", {}, node);
    }),
  );
  return {
    show(chat) {
      for (const node of list.querySelectorAll("button")) {
        if (node.dataset.chat === chat) node.setAttribute("aria-current", "true");
        else node.removeAttribute("aria-current");
      }
    },
  };
}
