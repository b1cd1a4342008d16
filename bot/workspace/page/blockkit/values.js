// What an element holds: the shapes of state.values, what it holds at first, and telling the page what was entered.

import { own } from "./lookup.js";

const TYPED = new Set(["plain_text_input", "number_input", "email_text_input", "url_text_input"]);
const KEYS = {
  static_select: "option", external_select: "option", radio_buttons: "option", overflow: "option",
  multi_static_select: "options", multi_external_select: "options", checkboxes: "options",
  users_select: "user", multi_users_select: "users",
  conversations_select: "conversation", multi_conversations_select: "conversations",
  channels_select: "channel", multi_channels_select: "channels",
  datepicker: "date", timepicker: "time", datetimepicker: "date_time",
};

/**
 * What stands in a field: text, an option, a list of options, an id, a list of ids, a date, a time, seconds; undefined
 * or null where nothing does. What was entered goes before what the element holds at first.
 */
export function held(field) {
  const { element } = field;
  const kept = own(own(field.ctx.values, field.blockId), element.action_id);
  const word = KEYS[element.type];
  if (kept && kept.type === element.type) {
    if (word) return kept[`selected_${word}`];
    return TYPED.has(element.type) ? kept.value : kept.rich_text_value;
  }
  return element[word ? `initial_${word}` : "initial_value"];
}

/**
 * Tells the page that a field changed, after the element's own confirmation where it has one and is sent at once.
 * Answers whether the change stands; where it does not, the caller shows the old value again.
 */
export async function enter(field, value, dispatches = field.dispatches) {
  const { ctx, element } = field;
  if (dispatches && element.confirm && !(await ctx.confirm(element.confirm))) return false;
  ctx.enter(field.blockId, element.action_id, value, dispatches);
  return true;
}

/** Every option of an element, those in groups too. */
export function optionsOf(element) {
  const grouped = (element.option_groups ?? []).flatMap((group) => group.options ?? []);
  return [...(element.options ?? []), ...grouped];
}

/**
 * The attributes that tie a control to its label, its hint and its error. A control of an input block has a visible
 * label; any other is named for screen readers by its placeholder.
 */
export function ties(field) {
  return {
    id: field.id,
    "data-action-id": field.element.action_id,
    "aria-label": field.labelled ? null : field.name,
    "aria-describedby": field.described || null,
    "aria-invalid": field.invalid ? "true" : null,
    "aria-required": field.required ? "true" : null,
    autofocus: Boolean(field.element.focus_on_load),
  };
}
