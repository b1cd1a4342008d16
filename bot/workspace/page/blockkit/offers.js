// What a select offers: options of its own, people, channels, conversations. Each choice is {value, text, hint, sent}.

import { own } from "./lookup.js";
import { textOf } from "./text.js";
import { optionsOf } from "./values.js";

/** An option of a static or external select; `sent` is what the page is told when it is chosen. */
export function optionChoice(option, sent = option.value) {
  return { value: option.value, text: textOf(option.text), hint: textOf(option.description), sent };
}

/** The choices of a select in groups: [{label, choices}], with an empty label where there are no groups. */
export function offered(field) {
  const { element, ctx } = field;
  switch (element.type.replace("multi_", "")) {
    case "users_select": return [{ label: "", choices: people(ctx) }];
    case "channels_select": return [{ label: "", choices: channels(ctx) }];
    case "conversations_select": return conversations(element, ctx);
    default: return options(element);
  }
}

/** The chosen values of a state value: an option, an id, or a list of these. */
export function chosenValues(value) {
  const all = value === null || value === undefined ? [] : Array.isArray(value) ? value : [value];
  return all.map((each) => (typeof each === "object" ? each.value : each));
}

/** The groups, and in a further one whatever is chosen but not offered, so that no value is hidden. */
export function withChosen(groups, chosen, field) {
  const known = new Set(groups.flatMap((group) => group.choices.map((choice) => choice.value)));
  const missing = chosen.filter((value) => !known.has(value));
  const { users = {}, channels: named = {} } = field.ctx.names ?? {};
  const text = (id) => own(users, id) ?? own(named, id) ?? id;
  const choices = missing.map((value) => ({ value, text: text(value), hint: "", sent: value }));
  return missing.length ? [...groups, { label: "", choices }] : groups;
}

function options(element) {
  if (!element.option_groups) return [{ label: "", choices: optionsOf(element).map((each) => optionChoice(each)) }];
  return element.option_groups.map((group) => ({
    label: textOf(group.label),
    choices: (group.options ?? []).map((each) => optionChoice(each)),
  }));
}

function people(ctx) {
  return (ctx.people ?? []).map(({ id, name, real_name: real }) => {
    return { value: id, text: real ? `${real} (@${name})` : `@${name}`, hint: "", sent: id };
  });
}

function channels(ctx) {
  return (ctx.channels ?? []).map(({ id, name }) => ({ value: id, text: `#${name}`, hint: "", sent: id }));
}

function conversations(element, ctx) {
  const wanted = element.filter?.include;
  const has = (...kinds) => !wanted || kinds.some((kind) => wanted.includes(kind));
  return [
    ...(has("public", "private") ? [{ label: "Channels", choices: channels(ctx) }] : []),
    ...(has("im") ? [{ label: "People", choices: people(ctx) }] : []),
  ];
}
