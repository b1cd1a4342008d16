// Selects: one choice in the browser's own select, several as ticks in a box that opens.

import { el, freshId, unseen } from "./dom.js";
import { chosenValues, offered, withChosen } from "./offers.js";
import { textOf } from "./text.js";
import { enter, held, ties } from "./values.js";

const SEARCHED_FROM = 12;

/** A select that holds one option, person, channel or conversation. */
export function select(element, field) {
  const chosen = chosenValues(held(field));
  const groups = withChosen(offered(field), chosen, field);
  const flat = groups.flatMap((group) => group.choices);
  const placeholder = textOf(element.placeholder) || "Choose one";
  const node = el("select", { ...ties(field), class: "bk-input bk-select" }, el("option", { value: "" }, placeholder));
  for (const group of groups) {
    const inside = group.choices.map((choice) => {
      const text = choice.hint ? `${choice.text} (${choice.hint})` : choice.text;
      return el("option", { value: flat.indexOf(choice), selected: chosen[0] === choice.value }, text);
    });
    node.append(...(group.label ? [el("optgroup", { label: group.label }, inside)] : inside));
  }
  let last = node.value;
  node.addEventListener("change", async () => {
    if (await enter(field, node.value === "" ? null : flat[Number(node.value)].sent)) last = node.value;
    else node.value = last;
  });
  return node;
}

/** A select that holds several: a summary of what is chosen, which opens to the ticks. */
export function multiSelect(element, field) {
  const kept = new Set(chosenValues(held(field)));
  const groups = withChosen(offered(field), [...kept], field);
  const flat = groups.flatMap((group) => group.choices);
  const most = element.max_selected_items ?? Infinity;
  const summary = el("summary", { class: "bk-input bk-select" });
  const note = el("p", { class: "bk-hint" }, Number.isFinite(most) ? `Choose at most ${most}.` : "");
  const ticks = new Map();
  const refresh = () => {
    const texts = flat.filter((choice) => kept.has(choice.value)).map((choice) => choice.text);
    const placeholder = textOf(element.placeholder) || "Choose";
    summary.replaceChildren(field.labelled ? unseen(`${field.name}: `) : unseen(`${placeholder}: `), texts.join(", ") || placeholder);
    ticks.forEach((tick, choice) => {
      tick.checked = kept.has(choice.value);
      tick.disabled = !tick.checked && kept.size >= most;
    });
  };
  const toggle = async (choice) => {
    const before = [...kept];
    if (!kept.delete(choice.value)) kept.add(choice.value);
    refresh();
    const sent = flat.filter((each) => kept.has(each.value)).map((each) => each.sent);
    if (await enter(field, sent)) return;
    kept.clear();
    before.forEach((value) => kept.add(value));
    refresh();
  };
  const rows = groups.map((group) => rowsOf(group, ticks, toggle));
  const search = flat.length >= SEARCHED_FROM ? searchBox(ticks) : null;
  refresh();
  const { id, "data-action-id": action } = ties(field);
  return el(
    "details",
    { class: "bk-multi", id, "data-action-id": action, role: field.labelled ? null : "group", "aria-label": field.labelled ? null : field.name },
    summary,
    el("div", { class: "bk-multi-box" }, search, el("div", { class: "bk-multi-rows" }, rows), note.textContent ? note : null),
  );
}

function rowsOf(group, ticks, toggle) {
  const rows = group.choices.map((choice) => {
    const tick = el("input", { type: "checkbox", id: freshId(), onchange: () => toggle(choice) });
    ticks.set(choice, tick);
    const hint = choice.hint ? el("span", { class: "bk-hint" }, ` ${choice.hint}`) : null;
    return el("label", { class: "bk-choice", for: tick.id }, tick, el("span", {}, choice.text, hint));
  });
  return group.label ? el("div", { role: "group", "aria-label": group.label }, el("p", { class: "bk-group" }, group.label), rows) : rows;
}

function searchBox(ticks) {
  const node = el("input", { type: "search", class: "bk-input", "aria-label": "Search these choices", placeholder: "Search" });
  node.addEventListener("input", () => {
    const wanted = node.value.trim().toLowerCase();
    ticks.forEach((tick, choice) => {
      tick.closest("label").hidden = !choice.text.toLowerCase().includes(wanted);
    });
  });
  return node;
}
