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
    const inside = group.choices.map((choice) => el("option", { value: flat.indexOf(choice), selected: chosen[0] === choice.value }));
    node.append(...(group.label ? [el("optgroup", { label: group.label }, inside)] : inside));
  }
  // As in Slack the list says what each is; where one is chosen only its name stands.
  const describe = () => {
    for (const option of [...node.options].slice(1)) {
      const { text, hint } = flat[Number(option.value)];
      option.textContent = hint && !option.selected ? `${text} (${hint})` : text;
    }
  };
  describe();
  let last = node.value;
  node.addEventListener("change", describe);
  node.addEventListener("change", async () => {
    if (await enter(field, node.value === "" ? null : flat[Number(node.value)].sent)) last = node.value;
    else node.value = last;
    describe();
  });
  return node;
}
