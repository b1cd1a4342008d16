// Selects that hold one choice, as the browser's own select.

import { el } from "./dom.js";
import { chosenValues, offered, withChosen } from "./offers.js";
import { textOf } from "./text.js";
import { enter, held, ties } from "./values.js";

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
