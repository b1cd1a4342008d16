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
  const inputs = options.map((option, at) =>
    el("input", { type, name, id: freshId(), value: at, "data-action-id": action, autofocus: autofocus && at === 0, "aria-invalid": invalid }),
  );
  inputs.forEach((input, at) => { input.checked = chosen.has(options[at].value); });
  let last = inputs.map((input) => input.checked);
  const changed = async () => {
    if (await enter(field, read(inputs, options))) last = inputs.map((input) => input.checked);
    else inputs.forEach((input, at) => { input.checked = last[at]; });
  };
  const rows = options.map((option, at) => row(option, inputs[at], field.ctx));
  const named = field.labelled ? {} : { role: type === "radio" ? "radiogroup" : "group", "aria-label": field.name };
  return el("div", { class: "bk-choices", id, ...named, onchange: changed }, rows);
}

function row(option, input, ctx) {
  const hint = option.description ? el("span", { class: "bk-hint bk-choice-hint" }, renderText(option.description, ctx)) : null;
  return el("label", { class: "bk-choice", for: input.id }, input, el("span", { class: "bk-text" }, renderText(option.text, ctx), hint));
}
