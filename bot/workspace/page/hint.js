// What to do first, for somebody who has never seen this page. It goes away for good, and comes back with the button.

import { el } from "./blockkit/dom.js";
import { addressOf } from "./place.js";
import { moving } from "./settling.js";

const SEEN = "hint-closed";
const section = document.getElementById("hint");
let example = null;

/** Lets the hint be closed and brought back. `put(text)` writes into the composer. */
export function makeHint(put) {
  document.getElementById("show-hint").addEventListener("click", () => show(section.hidden));
  section.addEventListener("click", (event) => {
    if (event.target.closest("[data-put]")) put(example);
    if (event.target.closest("[data-close]")) show(false);
  });
}

function show(visible) {
  moving(() => (section.hidden = !visible));
  if (visible) {
    localStorage.removeItem(SEEN);
    section.scrollIntoView({ block: "nearest" });
    section.querySelector("button").focus();
  } else {
    localStorage.setItem(SEEN, "yes");
    document.getElementById("show-hint").focus();
  }
}

/** Draws the hint for this person, beside messages only. It stays as it is while its words would be the same. */
export function drawHint(look, isHome) {
  section.hidden = isHome || localStorage.getItem(SEEN) !== null;
  const command = look.app.commands.find(({ examples }) => examples.length) ?? look.app.commands[0];
  example = command ? [command.name, command.examples[0]].filter(Boolean).join(" ") : "Hello";
  const other = look.people.find((person) => person.id !== look.me.id);
  const stamp = JSON.stringify([look.me.id, example, other.name]);
  if (section.dataset.stamp === stamp) return;
  section.dataset.stamp = stamp;
  section.replaceChildren(
    el("h2", {}, `You are ${look.me.real_name}. Try this:`),
    el(
      "ol",
      {},
      el("li", {}, "Send ", el("code", {}, example), el("button", { type: "button", class: "button", "data-put": true }, "Write it for me")),
      el("li", {}, "A number beside a person at the top says that something waits for them. Click the person to be them, and decide."),
      el("li", {}, "Nobody answers? Move the clock at the top."),
      el("li", {}, "Two people at once: ", el("a", { href: addressOf({ as: other.name }), target: "_blank", rel: "noopener" }, `open a second window as ${other.real_name}`), "."),
    ),
    el("button", { type: "button", class: "button", "data-close": true }, "Close"),
  );
}
