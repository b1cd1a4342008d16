// Selects whose options the app sends while one types: a text field with a list below it (a combobox).

import { combobox } from "./combobox.js";
import { el } from "./dom.js";
import { textOf } from "./text.js";
import { enter, held } from "./values.js";

/** An external select that holds one option; emptying its text empties it. */
export function externalSelect(element, field) {
  let chosen = held(field) ?? null;
  const choose = async (option) => {
    if (await enter(field, option)) chosen = option;
  };
  return combobox(field, () => (chosen ? textOf(chosen.text) : ""), choose);
}

/** An external select that holds several: each chosen option is a button that takes it out again. */
export function multiExternalSelect(element, field) {
  let chosen = held(field) ?? [];
  const most = element.max_selected_items ?? Infinity;
  const chips = el("div", { class: "bk-chips" });
  const keep = async (options) => {
    if (await enter(field, options)) chosen = options;
    chips.replaceChildren(...chosen.map((option) => chip(option, () => takeOut(option))));
  };
  const takeOut = async (option) => {
    await keep(chosen.filter((each) => each !== option));
    box.querySelector("input").focus(); // the button that had the focus is gone
  };
  const add = async (option) => {
    const known = option === null || chosen.some((each) => each.value === option.value);
    if (!known && chosen.length < most) await keep([...chosen, option]);
  };
  const box = combobox(field, () => "", add);
  chips.append(...chosen.map((option) => chip(option, () => takeOut(option))));
  return el("div", {}, chips, box);
}

function chip(option, remove) {
  const text = textOf(option.text);
  const cross = el("span", { "aria-hidden": "true" }, " ×");
  const usual = { type: "button", class: "bk-chip", "aria-label": `Take out ${text}` };
  return el("button", { ...usual, onclick: remove }, text, cross);
}
