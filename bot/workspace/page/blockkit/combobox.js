// A text field with a list below it: what is typed asks the page for options, one of which is chosen.

import { el, freshId } from "./dom.js";
import { optionChoice } from "./offers.js";
import { textOf } from "./text.js";
import { ties } from "./values.js";

const LEAST_LETTERS = 3;

/**
 * The field and its list. `text()` is what the field shows while nobody types; `choose(option)` takes a choice, or null
 * once the text was emptied.
 */
export function combobox(field, text, choose) {
  return new Combobox(field, text, choose).node;
}

class Combobox {
  #options = [];
  #at = -1;
  #asked = 0;

  constructor(field, text, choose) {
    this.field = field;
    this.text = text;
    this.choose = choose;
    const id = freshId();
    const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id };
    const placeholder = textOf(field.element.placeholder) || "Type to search";
    const looks = { class: "bk-input", type: "text", autocomplete: "off", placeholder };
    this.input = el("input", { ...ties(field), ...looks, ...roles });
    this.input.value = text();
    this.list = el("ul", { class: "bk-listbox", role: "listbox", id, "aria-label": field.name, hidden: true });
    this.status = el("p", { class: "bk-hint", role: "status" });
    this.node = el("div", { class: "bk-combobox" }, this.input, this.list, this.status);
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("input", () => this.#ask());
    this.input.addEventListener("focus", () => this.#least === 0 && this.#ask());
    this.input.addEventListener("blur", () => this.#leave());
  }

  get #least() {
    return this.field.element.min_query_length ?? LEAST_LETTERS;
  }

  async #ask() {
    const query = this.input.value.trim();
    this.#asked += 1;
    const asked = this.#asked;
    if ([...query].length < this.#least) {
      this.#show([], `Type ${this.#least} ${this.#least === 1 ? "letter" : "letters"} or more.`);
      return;
    }
    try {
      const options = await this.field.ctx.options(this.field.blockId, this.field.element.action_id, query);
      if (asked === this.#asked) this.#show(options, options.length ? "" : "Nothing was found.");
    } catch {
      if (asked === this.#asked) this.#show([], "The choices could not be loaded. Type again to retry.");
    }
  }

  #show(options, note = "") {
    this.#options = options;
    this.#at = -1;
    this.list.replaceChildren(...options.map((option) => row(option, () => this.#pick(option))));
    this.list.hidden = options.length === 0;
    this.status.textContent = note;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.input.removeAttribute("aria-activedescendant");
  }

  async #pick(option) {
    this.#asked += 1; // an answer that is still on its way opens no list again
    this.#show([]);
    await this.choose(option);
    this.input.value = this.text();
  }

  #move(step) {
    const rows = [...this.list.children];
    this.#at = this.#at < 0 && step < 0 ? rows.length - 1 : (this.#at + step + rows.length) % rows.length;
    rows.forEach((each, index) => each.setAttribute("aria-selected", String(index === this.#at)));
    rows[this.#at].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", rows[this.#at].id);
  }

  #key(event) {
    const open = !this.list.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.isComposing) return;
    if (step) {
      event.preventDefault();
      if (open) this.#move(step);
      else this.#ask();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (open && this.#at >= 0) this.#pick(this.#options[this.#at]);
    } else if (event.key === "Escape" && open) {
      event.preventDefault(); // closes the list, not the modal around it
      event.stopPropagation();
      this.#show([]);
    }
  }

  async #leave() {
    this.#asked += 1;
    this.#show([]);
    if (this.input.value.trim() === "" && this.text() !== "") await this.choose(null);
    this.input.value = this.text();
  }
}

function row(option, pick) {
  const { text, hint } = optionChoice(option);
  const node = el("li", { class: "bk-option", role: "option", id: freshId(), "aria-selected": "false" }, text);
  if (hint) node.append(el("span", { class: "bk-hint" }, ` ${hint}`));
  node.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus, so its list stays
  node.addEventListener("click", pick);
  return node;
}
