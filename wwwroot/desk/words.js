// The words of the page in the agent's language. English is written where it is
// used, and is the key under which the catalogues of other languages hold theirs;
// what a catalogue lacks is shown in English.

export const languages = { en: "English", de: "Deutsch", ja: "日本語", ar: "العربية" };

const languageKey = "language";
const attributes = ["aria-label", "placeholder", "title"];

// pick returns the first of the wished languages that we speak.
export function pick(wishes) {
  for (const wish of wishes) {
    const short = (wish ?? "").split("-")[0];
    if (Object.hasOwn(languages, short)) return short;
  }
  return "en";
}

// fill puts values where a text names them in braces.
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values?.[name] ?? whole);
}

export const language = globalThis.document ? pick([localStorage.getItem(languageKey), ...navigator.languages]) : "en";

async function load() {
  if (language === "en") return {};
  const response = await fetch(`languages/${language}.json`).catch(() => null);
  return response?.ok ? response.json() : {};
}

const catalogue = await load();

// locale is what dates and numbers are written in: the reader's own, where that
// is of the same language.
export const locale = globalThis.navigator?.languages?.find((wish) => wish.split("-")[0] === language) ?? language;

// t says a text in the agent's language.
export const t = (text, values) => fill(catalogue[text] ?? text, values);

// translate says what a part of the page holds in the agent's language.
export function translate(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const text = node.data.trim().replace(/\s+/g, " ");
    if (text && catalogue[text]) node.data = node.data.replace(/\S[^]*\S|\S/, () => catalogue[text]);
  }
  for (const name of attributes) {
    for (const node of root.querySelectorAll(`[${name}]`)) node.setAttribute(name, t(node.getAttribute(name)));
  }
}

// speak makes the page one of the agent's language.
export function speak() {
  document.documentElement.lang = language;
  document.documentElement.dir = language === "ar" ? "rtl" : "ltr";
  translate(document.body);
}

// speakOf changes the language, and begins anew in it.
export function speakOf(chosen) {
  localStorage.setItem(languageKey, chosen);
  location.reload();
}
