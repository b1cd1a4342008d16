// The workspace's clock, and moving it: to see what happens when nobody answers.

import { el } from "./blockkit/dom.js";
import { post } from "./look.js";
import { menuButton, menuItem } from "./menus.js";
import { fullOf, nextMonday, now, setNow, shortOf, timeOf } from "./moments.js";
import { toast } from "./toasts.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const STEPS = [
  ["+15 minutes", 15 * MINUTE],
  ["+1 hour", HOUR],
  ["+4 hours", 4 * HOUR],
];
const UNITS = { minutes: MINUTE, hours: HOUR, days: 24 * HOUR };

const face = el("time", { id: "clock-face" });

/** Puts the clock into `host`. */
export function makeClock(host) {
  const more = { class: "plain clock-button", title: "The time in this workspace. Move it to see what happens when nobody answers." };
  host.replaceChildren(menuButton(more, [el("span", { class: "unseen" }, "Time: "), face, el("span", { "aria-hidden": "true" }, " ▾")], menu, "dialog"));
  setInterval(show, 1000);
}

/** Takes over the workspace's time. */
export function drawClock(look) {
  setNow(look.now);
  document.getElementById("clock").hidden = !look.clock_moves;
  show();
}

function show() {
  const moment = now();
  const text = shortOf(moment);
  if (face.textContent === text) return;
  face.textContent = text;
  face.dateTime = new Date(moment).toISOString();
}

function menu(done) {
  const move = async (seconds) => {
    done();
    try {
      await post("clock", { seconds });
    } catch (error) {
      toast(error.message);
    }
  };
  const monday = nextMonday();
  const amount = el("input", { type: "number", min: "1", step: "any", value: "2", required: true, "aria-label": "How much", name: "amount" });
  const unit = el("select", { "aria-label": "Of what", name: "unit" }, Object.keys(UNITS).map((name) => el("option", { selected: name === "hours" }, name)));
  const form = el("form", { class: "clock-form" }, amount, unit, el("button", { class: "button" }, "Move"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    move(Number(amount.value) * UNITS[unit.value]);
  });
  return [
    el("p", { class: "menu-title" }, `It is ${fullOf(now())} here. Time only moves forward:`),
    ...STEPS.map(([label, seconds]) => menuItem(label, "", () => move(seconds), null)),
    menuItem(`Next Monday, ${timeOf(monday)}`, "", () => move(Math.ceil((monday - now()) / 1000)), null),
    form,
  ];
}
