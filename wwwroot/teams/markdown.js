// The markdown Teams shows in a bot's text message, as DOM nodes: bold, italic,
// code, quotes, lists, links to the web, mail and telephones, escapes. What is not
// understood stays text, and markup in it stays words: no HTML is ever parsed.

const entities = { lt: "<", gt: ">", amp: "&", quot: '"', "#39": "'", nbsp: "\u00a0" };

const rules = [
  [/^\\([!-/:-@[-`{-~])/, (m) => m[1]],
  [/^&(lt|gt|amp|quot|#39|nbsp);/, (m) => entities[m[1]]],
  [/^(`+)(?!`)(.+?)(?<!`)\1(?!`)/, (m) => element("code", [m[2].replace(/^ (.+) $/, "$1")])],
  [/^\*\*\*(?=\S)((?:\\.|[^\\*])+?)\*\*\*/s, (m) => element("strong", [element("em", parse(m[1]))])],
  [/^\*\*(?=\S)((?:\\.|[^\\])+?)\*\*/s, (m) => element("strong", parse(m[1]))],
  [/^\*(?![\s*])((?:\\.|[^\\*])+?)\*/s, (m) => element("em", parse(m[1]))],
  [/^_(?![\s_])((?:\\.|[^\\_])+?)_(?!\w)/s, (m, before) => (/\w$/.test(before) ? null : element("em", parse(m[1])))],
  [/^\[((?:\\.|[^\\\]])+)\]\(((?:https?:\/\/|mailto:|tel:)[^\s)]+)\)/i, (m) => link(m[2], parse(m[1]))],
  [/^https?:\/\/[^\s<>()*]+[^\s<>()*.,;:!?'"]/, (m, before) => (/\w$/.test(before) ? null : link(m[0], [m[0]]))],
];

// Blocks may be within each other this deep; deeper ones are text.
const deepest = 10;

const fence = /^ *(`{3,}|~{3,})[^`]*$/;
const item = /^(?:- |(\d{1,9})\. )/;

// render returns the nodes of text: markdown, or plain when the format says so.
export function render(text, format) {
  const fragment = document.createDocumentFragment();
  fragment.append(...(format === "plain" ? [text] : blocks(text.split("\n"), 0)));
  return fragment;
}

// blocks returns the nodes of lines: code, quotes and lists, and what is between.
function blocks(lines, depth) {
  const nodes = [];
  let words = [];
  const flush = () => {
    const text = nodes.length > 0 ? words.join("\n").replace(/^\n+/, "") : words.join("\n");
    words = [];
    if (text.trim()) nodes.push(...parse(text));
  };
  while (lines.length > 0) {
    const [node, length] = depth < deepest ? block(lines, depth) : [null, 1];
    if (node) {
      while (words.at(-1) === "") words.pop();
      flush();
      nodes.push(node);
    } else {
      words.push(lines[0]);
    }
    lines = lines.slice(length);
  }
  flush();
  return nodes;
}

// block returns the block that begins with the first line, if any, and how many
// lines it has.
function block(lines, depth) {
  const open = fence.exec(lines[0]);
  if (open) {
    const end = lines.findIndex((line, i) => i > 0 && line.trim().startsWith(open[1]) && !line.trim().replaceAll(open[1][0], ""));
    const code = lines.slice(1, end < 0 ? lines.length : end);
    return [element("pre", [element("code", [code.join("\n")])]), code.length + (end < 0 ? 1 : 2)];
  }
  if (lines[0].startsWith(">")) {
    const length = count(lines, (line) => line.startsWith(">"));
    return [element("blockquote", blocks(lines.slice(0, length).map((line) => line.replace(/^> ?/, "")), depth + 1)), length];
  }
  return item.test(lines[0]) ? list(lines, depth) : [null, 1];
}

function list(lines, depth) {
  const number = item.exec(lines[0])[1];
  const node = element(number ? "ol" : "ul", []);
  if (number) node.start = Number(number);
  let used = 0;
  for (let rest = lines; rest.length > 0; rest = lines.slice(used)) {
    const first = item.exec(rest[0]);
    if (!first || Boolean(first[1]) !== Boolean(number)) break;
    const indent = " ".repeat(first[0].length);
    const within = 1 + count(rest.slice(1), (line) => line === "" || line.startsWith(indent));
    const own = rest.slice(0, within).map((line) => line.slice(indent.length));
    while (own.at(-1) === "") own.pop();
    node.append(element("li", blocks(own, depth + 1)));
    used += within;
  }
  return [node, used];
}

// count returns how many lines from the first on are alike.
function count(lines, alike) {
  const other = lines.findIndex((line) => !alike(line));
  return other < 0 ? lines.length : other;
}

function parse(text) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(plain);
    plain = "";
  };
  while (text) {
    const [node, length] = next(text, plain);
    if (typeof node === "string") {
      plain += node;
    } else {
      flush();
      nodes.push(node);
    }
    text = text.slice(length);
  }
  flush();
  return nodes;
}

// next returns the first node of text, or its first character.
function next(text, before) {
  for (const [pattern, make] of rules) {
    const match = pattern.exec(text);
    const node = match && make(match, before);
    if (node) return [node, match[0].length];
  }
  const [char] = text;
  return [char, char.length];
}

function element(name, children) {
  const node = document.createElement(name);
  node.append(...children);
  return node;
}

function link(href, children) {
  const node = element("a", children);
  node.href = href.replaceAll("&amp;", "&");
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  return node;
}
