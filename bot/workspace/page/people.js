// The switch between the people one can be, with what waits for each.

import { el } from "./blockkit/dom.js";
import { drawKeyed } from "./keyed.js";
import { avatar, count } from "./marks.js";
import { addressOf, place } from "./place.js";
import { follow } from "./sidebar.js";

/** Draws the switch between people: a link for each, so that each can have a window of their own. */
export function drawPeople(look) {
  drawKeyed(document.getElementById("people"), look.people.map((person) => personEntry(look, person)));
}

function personEntry(look, person) {
  const me = person.id === look.me.id;
  const who = [person.real_name, person.title, person.from].filter(Boolean).join(", ");
  const waits = person.waiting === 1 ? "thing waits for them" : "things wait for them";
  return {
    key: person.name,
    stamp: JSON.stringify([me, person.waiting, place.in]),
    draw: () => {
      const changes = { as: person.name, thread: "" };
      const link = el(
        "a",
        { class: me ? "person me" : "person", href: addressOf(changes), "data-person": person.name, title: `${who}: ${person.waiting ? `${person.waiting} ${waits}` : "nothing waits for them"}` },
        avatar(look, person.id),
        el("span", { class: "person-name" }, person.real_name.split(" ")[0], el("span", { class: "role" }, person.from || person.title)),
        person.waiting ? count(person.waiting, waits) : null,
      );
      if (me) link.setAttribute("aria-current", "true");
      link.addEventListener("click", (event) => follow(event, changes));
      return link;
    },
  };
}
