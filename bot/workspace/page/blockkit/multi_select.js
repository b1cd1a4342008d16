// Selects that hold several choices: a summary of what is chosen, which opens to a box of ticks.

import { el, freshId, unseen } from "./dom.js";
import { chosenValues, offered, withChosen } from "./offers.js";
import { textOf } from "./text.js";
import { enter, held } from "./values.js";

const SEARCHED_FROM = 12;

/** A select that holds several options, people, channels or conversations. */
export function multiSelect(element, field) {
  return new MultiSelect(element, field).node;
}

class MultiSelect {
  #ticks = new Map();

  constructor(element, field) {
    this.field = field;
    this.kept = new Set(chosenValues(held(field)));
    this.groups = withChosen(offered(field), [...this.kept], field);
    this.flat = this.groups.flatMap((group) => group.choices);
    this.most = element.max_selected_items ?? Infinity;
    this.placeholder = textOf(element.placeholder) || "Choose";
    this.summary = el("summary", { class: "bk-input bk-select", autofocus: Boolean(element.focus_on_load) });
    const rows = el("div", { class: "bk-multi-rows" }, this.groups.map((group) => this.#group(group)));
    const search = this.flat.length >= SEARCHED_FROM ? this.#search() : null;
    const note = Number.isFinite(this.most) ? el("p", { class: "bk-hint" }, `Choose at most ${this.most}.`) : null;
    const named = field.labelled ? {} : { role: "group", "aria-label": field.name };
    const box = el("div", { class: "bk-multi-box" }, search, rows, note);
    const ties = { class: "bk-multi", id: field.id, "data-action-id": element.action_id };
    this.node = el("details", { ...ties, ...named }, this.summary, box);
    this.#refresh();
  }

  #refresh() {
    const texts = this.flat.filter((choice) => this.kept.has(choice.value)).map((choice) => choice.text);
    this.summary.replaceChildren(unseen(`${this.field.name}: `), texts.join(", ") || this.placeholder);
    this.#ticks.forEach((tick, choice) => {
      tick.checked = this.kept.has(choice.value);
      tick.disabled = !tick.checked && this.kept.size >= this.most;
    });
  }

  async #toggle(choice) {
    const before = new Set(this.kept);
    if (!this.kept.delete(choice.value)) this.kept.add(choice.value);
    this.#refresh();
    const sent = this.flat.filter((each) => this.kept.has(each.value)).map((each) => each.sent);
    if (await enter(this.field, sent)) return;
    this.kept = before;
    this.#refresh();
  }

  #group(group) {
    const rows = group.choices.map((choice) => this.#row(choice));
    if (!group.label) return rows;
    return el("div", { role: "group", "aria-label": group.label }, el("p", { class: "bk-group" }, group.label), rows);
  }

  #row(choice) {
    const tick = el("input", { type: "checkbox", id: freshId(), onchange: () => this.#toggle(choice) });
    this.#ticks.set(choice, tick);
    const hint = choice.hint ? el("span", { class: "bk-hint" }, ` ${choice.hint}`) : null;
    return el("label", { class: "bk-choice", for: tick.id }, tick, el("span", {}, choice.text, hint));
  }

  #search() {
    const usual = { type: "search", class: "bk-input", "aria-label": "Search these choices", placeholder: "Search" };
    const node = el("input", usual);
    node.addEventListener("input", () => {
      const wanted = node.value.trim().toLowerCase();
      this.#ticks.forEach((tick, choice) => {
        tick.closest("label").hidden = !choice.text.toLowerCase().includes(wanted);
      });
    });
    return node;
  }
}
