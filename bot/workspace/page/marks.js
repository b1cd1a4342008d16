// The small marks that stand beside names: pictures and numbers.

import { el } from "./blockkit/dom.js";

const COLOURS = 8;

/** What the number beside a conversation, or a thread, counts. Beside a person it is what asks them for something, read or not. */
export const FOR_ME = "unread for you";

/** What people read for a user id. */
export function nameOf(look, id) {
  if (id === look.app.id) return look.app.real_name;
  return look.people.find((person) => person.id === id)?.real_name ?? look.users[id] ?? id;
}

/** A person's picture, their initials, or the app's sign. The colour is always the same for the same id. */
export function avatar(look, id) {
  const isApp = id === look.app.id;
  const words = nameOf(look, id).split(" ");
  const initials = isApp ? "✓" : words.map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  const colour = isApp ? "app" : [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLOURS;
  return el("span", { class: `avatar colour-${colour}`, "aria-hidden": "true" }, initials);
}

/** The mark of a place in which something is new, though nothing in it calls anybody. */
export function newMark() {
  return el("span", { class: "new-mark", title: "unread" }, el("span", { class: "unseen" }, " unread"));
}

/** How many there are of something; what, is told to whoever points at it, or does not see the colour. */
export function count(number, meaning) {
  return el("span", { class: "count", "data-count": number, title: `${number} ${meaning}` }, String(number), el("span", { class: "unseen" }, ` ${meaning}`));
}
