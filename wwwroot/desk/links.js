// Finds the addresses in what people wrote. Only http and https are links: what
// any other scheme does is not for a stranger's words to decide.

const address = /https?:\/\/[^\s<>"'`{}|\\^]+/gi;
const trailing = /[.,;:!?)\]]+$/; // belongs to the sentence

// parts splits a text into strings and addresses: [{text, href}].
export function parts(text) {
  const all = [];
  let from = 0;
  for (const match of text.matchAll(address)) {
    const found = match[0].replace(trailing, "");
    if (!URL.canParse(found)) continue;
    if (match.index > from) all.push({ text: text.slice(from, match.index) });
    all.push({ text: found, href: new URL(found).href });
    from = match.index + found.length;
  }
  if (from < text.length) all.push({ text: text.slice(from) });
  return all;
}
