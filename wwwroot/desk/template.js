// Canned replies name what differs from user to user in double braces.

// expand puts values into a reply; what nobody knows is left out.
export function expand(text, values) {
  return text.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (whole, name) => (Object.hasOwn(values, name) ? values[name] ?? "" : ""));
}

// matching returns the replies whose name or text holds the words, those whose
// name begins with them first.
export function matching(replies, words) {
  const wanted = words.toLowerCase();
  const rank = ({ name, text }) => {
    if (name.toLowerCase().startsWith(wanted)) return 0;
    return `${name} ${text}`.toLowerCase().includes(wanted) ? 1 : 2;
  };
  return replies.filter((reply) => rank(reply) < 2).sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
