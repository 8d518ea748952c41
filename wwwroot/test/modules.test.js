import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = new URL("..", import.meta.url).pathname;
const pages = ["desk", "chat", "teams", "copilot"];
// The folder of Copilot's page is below that of Teams.
const fileOf = (page, from) => page === "copilot" && from.startsWith("../") ? join(root, "teams", from.slice(3)) : join(root, page, from);
const exported = (source, name) =>
  new RegExp(`^export (async )?(function\\*?|const|let|class) ${name}\\b`, "m").test(source) || new RegExp(`^export \\{[^}]*\\b${name}\\b`, "m").test(source);

test("what a module imports is exported there", () => {
  const missing = [];
  for (const page of pages) {
    for (const file of readdirSync(join(root, page)).filter((name) => name.endsWith(".js"))) {
      const imports = readFileSync(join(root, page, file), "utf8").matchAll(/^import \{([^}]*)\} from "([^"]+)"/gm);
      for (const [, names, from] of imports) {
        const path = fileOf(page, from);
        const source = existsSync(path) ? readFileSync(path, "utf8") : "";
        for (const name of names.split(",").map((n) => n.trim().split(" as ")[0]).filter(Boolean)) {
          if (!exported(source, name)) missing.push(`${page}/${file}: ${name} of ${from}`);
        }
      }
    }
  }
  assert.deepEqual(missing, []);
});
