// Selects whose options the app sends while one types: a text field with a list below it (a combobox).

import { el, freshId } from "./dom.js";
import { optionChoice } from "./offers.js";
import { textOf } from "./text.js";
import { enter, held, ties } from "./values.js";

const LEAST_LETTERS = 3;

/** An external select that holds one option; emptying its text empties it. */
export function externalSelect(element, field) {
  let chosen = held(field) ?? null;
  const box = combobox(element, field, {
    text: () => (chosen ? textOf(chosen.text) : ""),
    choose: async (option) => {
      if (await enter(field, option)) chosen = option;
    },
  });
  return box;
}

/** An external select that holds several: each chosen option is a button that takes it out again. */
export function multiExternalSelect(element, field) {
  let chosen = held(field) ?? [];
  const most = element.max_selected_items ?? Infinity;
  const chips = el("div", { class: "bk-chips" });
  const keep = async (options) => {
    if (await enter(field, options)) chosen = options;
    refresh();
  };
  const refresh = () => chips.replaceChildren(...chosen.map((option) => chip(option, () => keep(chosen.filter((each) => each !== option)))));
  const add = async (option) => {
    const known = option === null || chosen.some((each) => each.value === option.value);
    if (!known && chosen.length < most) await keep([...chosen, option]);
  };
  refresh();
  return el("div", {}, chips, combobox(element, field, { text: () => "", choose: add }));
}

function chip(option, remove) {
  const text = textOf(option.text);
  const cross = el("span", { "aria-hidden": "true" }, " ×");
  return el("button", { type: "button", class: "bk-chip", "aria-label": `Take out ${text}`, onclick: remove }, text, cross);
}

function combobox(element, field, { text, choose }) {
  const listId = freshId();
  const list = el("ul", { class: "bk-listbox", role: "listbox", id: listId, "aria-label": field.name, hidden: true });
  const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": listId };
  const looks = { class: "bk-input", type: "text", autocomplete: "off", placeholder: textOf(element.placeholder) || "Type to search" };
  const input = el("input", { ...ties(field), ...looks, ...roles });
  const state = { options: [], at: -1, asked: 0 };
  input.value = text();

  const show = (options, note = "") => {
    state.options = options;
    state.at = -1;
    const rows = options.map((option) => row(option, () => pick(option)));
    list.replaceChildren(...rows, ...(note ? [el("li", { class: "bk-hint", role: "presentation" }, note)] : []));
    list.hidden = list.childElementCount === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
  };
  const pick = async (option) => {
    show([]);
    await choose(option);
    input.value = text();
  };
  const move = (step) => {
    if (!state.options.length) return;
    state.at = (state.at + step + state.options.length) % state.options.length;
    const rows = [...list.children];
    rows.forEach((each, index) => each.setAttribute("aria-selected", String(index === state.at)));
    rows[state.at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", rows[state.at].id);
  };
  const ask = async () => {
    const query = input.value.trim();
    const least = element.min_query_length ?? LEAST_LETTERS;
    const asked = ++state.asked;
    if ([...query].length < least) return show([], `Type ${least} letters or more.`);
    try {
      const options = await field.ctx.options(field.blockId, element.action_id, query);
      if (asked === state.asked) show(options, options.length ? "" : "Nothing was found.");
    } catch {
      if (asked === state.asked) show([], "The choices could not be loaded. Type again to retry.");
    }
  };
  const leave = async () => {
    state.asked += 1;
    show([]);
    if (input.value.trim() === "" && text() !== "") await choose(null);
    input.value = text();
  };

  const keys = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: () => state.at >= 0 && pick(state.options[state.at]) };
  input.addEventListener("keydown", (event) => {
    const open = !list.hidden;
    if (event.key === "Escape" && open) {
      event.stopPropagation(); // closes the list, not the modal around it
      event.preventDefault();
      show([]);
    } else if (event.key in keys) {
      event.preventDefault();
      if (!open && event.key === "ArrowDown") ask();
      else keys[event.key]();
    }
  });
  input.addEventListener("input", ask);
  input.addEventListener("focus", () => element.min_query_length === 0 && ask());
  input.addEventListener("blur", leave);
  return el("div", { class: "bk-combobox" }, input, list);
}

function row(option, pick) {
  const { text, hint } = optionChoice(option);
  const node = el("li", { class: "bk-option", role: "option", id: freshId(), "aria-selected": "false" }, text);
  if (hint) node.append(el("span", { class: "bk-hint" }, ` ${hint}`));
  node.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus, so its list stays
  node.addEventListener("click", pick);
  return node;
}
