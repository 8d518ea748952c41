// The markdown Teams shows in a bot's text message, as DOM nodes: bold, italic,
// code, links to http and https, escapes. What is not understood stays text.

const entities = { lt: "<", gt: ">", amp: "&", quot: '"', "#39": "'", nbsp: "\u00a0" };

const rules = [
  [/^\\([\\`*_{}[\]()#+\-.!<>&~|])/, (m) => m[1]],
  [/^&(lt|gt|amp|quot|#39|nbsp);/, (m) => entities[m[1]]],
  [/^`([^`\n]+)`/, (m) => element("code", [m[1]])],
  [/^\*\*(?=\S)((?:\\.|[^\\])+?)\*\*/s, (m) => element("strong", parse(m[1]))],
  [/^\*(?![\s*])((?:\\.|[^\\*])+?)\*/s, (m) => element("em", parse(m[1]))],
  [/^_(?![\s_])((?:\\.|[^\\_])+?)_(?!\w)/s, (m, before) => (/\w$/.test(before) ? null : element("em", parse(m[1])))],
  [/^\[((?:\\.|[^\\\]])+)\]\((https?:\/\/[^\s)]+)\)/, (m) => link(m[2], parse(m[1]))],
  [/^https?:\/\/[^\s<>()*]+[^\s<>()*.,;:!?'"]/, (m, before) => (/\w$/.test(before) ? null : link(m[0], [m[0]]))],
];

// render returns the nodes of text: markdown, or plain when the format says so.
export function render(text, format) {
  const fragment = document.createDocumentFragment();
  fragment.append(...(format === "plain" ? [text] : parse(text)));
  return fragment;
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
  node.href = href;
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  return node;
}
