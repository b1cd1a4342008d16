// Who is in a user group: told to whoever presses a mention of it.

import { el } from "./blockkit/dom.js";
import { openBeside } from "./menus.js";

/** Lets mentions of groups be pressed. `members(id)` are the names of those in one. */
export function tellGroups(members) {
  const tell = (event) => {
    const mention = event.target.closest?.("[data-group]");
    if (!mention) return;
    event.preventDefault();
    openBeside(mention, () => [
      el("p", { class: "menu-title" }, `${mention.textContent} are:`),
      el("ul", { class: "menu-list" }, (members(mention.dataset.group) ?? ["nobody"]).map((name) => el("li", {}, name))),
    ], "dialog");
  };
  document.addEventListener("click", tell);
  document.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && tell(event));
}
