// What an agent sets for themself, in this browser.

import { byId } from "./dom.js";
import { language, languages, speakOf } from "./words.js";

// preferences wires the dialog.
export function preferences() {
  const choice = byId("language");
  for (const [code, name] of Object.entries(languages)) choice.append(new Option(name, code, false, code === language));
  choice.addEventListener("change", () => speakOf(choice.value));
  byId("settings").addEventListener("click", () => byId("settings-dialog").showModal());
}
