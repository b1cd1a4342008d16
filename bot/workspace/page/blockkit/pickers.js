// Dates and times, in the browser's own pickers.

import { el } from "./dom.js";
import { enter, held, ties } from "./values.js";

const FIRST_YEAR = 1000;

/** A day, `2026-11-21`. */
export function datePicker(element, field) {
  return picker(field, "date", held(field) ?? "", (text) => text);
}

/** A time of day, `13:30`; in the zone that the element names, where it names one. */
export function timePicker(element, field) {
  const node = picker(field, "time", held(field) ?? "", (text) => text.slice(0, 5));
  const zone = element.timezone ? el("span", { class: "bk-hint" }, ` ${element.timezone}`) : null;
  return zone ? el("span", { class: "bk-row" }, node, zone) : node;
}

/** A moment, in seconds since 1970; shown in the browser's zone. */
export function dateTimePicker(element, field) {
  const seconds = held(field);
  const text = typeof seconds === "number" ? localText(new Date(seconds * 1000)) : "";
  return picker(field, "datetime-local", text, (typed) => Math.floor(new Date(typed).getTime() / 1000));
}

function picker(field, type, text, value) {
  const node = el("input", { ...ties(field), type, class: "bk-input bk-picker" });
  node.value = text;
  let last = node.value;
  node.addEventListener("change", async () => {
    // While a year is typed, the browser reports each digit: the year 2, then 20, then 202.
    if (type !== "time" && node.value && Number.parseInt(node.value, 10) < FIRST_YEAR) return;
    if (await enter(field, node.value === "" ? null : value(node.value))) last = node.value;
    else node.value = last;
  });
  return node;
}

function localText(moment) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${String(moment.getFullYear()).padStart(4, "0")}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}
