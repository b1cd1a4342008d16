// Radio buttons and checkboxes.

import { el, freshId } from "./dom.js";
import { renderText } from "./text.js";
import { enter, held, ties } from "./values.js";

/** Radio buttons: one option, or none at first. */
export function radioButtons(element, field) {
  const chosen = held(field)?.value;
  return group(element, field, "radio", new Set([chosen]), (inputs, options) => {
    const at = inputs.findIndex((input) => input.checked);
    return at < 0 ? null : options[at].value;
  });
}

/** Checkboxes: any number of options. */
export function checkboxes(element, field) {
  const chosen = new Set((held(field) ?? []).map((option) => option.value));
  return group(element, field, "checkbox", chosen, (inputs, options) =>
    options.filter((_, at) => inputs[at].checked).map((option) => option.value),
  );
}

function group(element, field, type, chosen, read) {
  const options = element.options ?? [];
  const name = freshId();
  const { id, "data-action-id": action, autofocus, "aria-invalid": invalid } = ties(field);
  const common = { type, name, "data-action-id": action, "aria-invalid": invalid };
  const inputs = options.map((option, at) => {
    const input = el("input", { ...common, id: freshId(), value: at, autofocus: autofocus && at === 0 });
    input.checked = chosen.has(option.value);
    return input;
  });
  let last = inputs.map((input) => input.checked);
  const changed = async () => {
    if (await enter(field, read(inputs, options))) last = inputs.map((input) => input.checked);
    else last.forEach((checked, at) => (inputs[at].checked = checked));
  };
  const rows = options.map((option, at) => row(option, inputs[at], field.ctx));
  const named = field.labelled ? {} : { role: type === "radio" ? "radiogroup" : "group", "aria-label": field.name };
  return el("div", { class: "bk-choices", id, ...named, onchange: changed }, rows);
}

function row(option, input, ctx) {
  const about = option.description ? renderText(option.description, ctx) : null;
  const hint = about && el("span", { class: "bk-hint bk-choice-hint" }, about);
  const text = el("span", { class: "bk-text" }, renderText(option.text, ctx), hint);
  return el("label", { class: "bk-choice", for: input.id }, input, text);
}
