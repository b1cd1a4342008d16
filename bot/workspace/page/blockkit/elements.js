// Draws an interactive element by its type.

import { button, feedbackButtons, iconButton } from "./buttons.js";
import { checkboxes, radioButtons } from "./choices.js";
import { el, freshId } from "./dom.js";
import { externalSelect, multiExternalSelect } from "./external.js";
import { own } from "./lookup.js";
import { image } from "./media.js";
import { multiSelect } from "./multi_select.js";
import { overflow } from "./overflow.js";
import { datePicker, dateTimePicker, timePicker } from "./pickers.js";
import { select } from "./selects.js";
import { textOf } from "./text.js";
import { fileInput, richTextInput, typed } from "./typed.js";

const DRAWN = {
  button,
  icon_button: iconButton,
  feedback_buttons: feedbackButtons,
  overflow,
  image: (element) => image(element, "bk-thumb"),
  static_select: select,
  users_select: select,
  conversations_select: select,
  channels_select: select,
  external_select: externalSelect,
  multi_static_select: multiSelect,
  multi_users_select: multiSelect,
  multi_conversations_select: multiSelect,
  multi_channels_select: multiSelect,
  multi_external_select: multiExternalSelect,
  radio_buttons: radioButtons,
  checkboxes,
  datepicker: datePicker,
  timepicker: timePicker,
  datetimepicker: dateTimePicker,
  plain_text_input: typed,
  number_input: typed,
  email_text_input: typed,
  url_text_input: typed,
  rich_text_input: richTextInput,
  file_input: fileInput,
};

/** Elements made of several controls: their label is a legend, because one label names one control. */
const GROUPS = new Set(["radio_buttons", "checkboxes"]);

/** Whether an element is a group of controls. */
export function isGroup(element) {
  return GROUPS.has(element.type) || element.type.startsWith("multi_");
}

/**
 * What an element needs to know of where it stands: its block, whether a change is sent at once, and whether a visible
 * label names it. `more` has what an input block adds.
 */
export function fieldOf(element, block, ctx, more = {}) {
  const name = textOf(element.placeholder) || textOf(block.text) || element.type.replaceAll("_", " ");
  return { ctx, element, blockId: block.block_id, id: freshId(), name, labelled: false, dispatches: true, ...more };
}

/** An element as a node; null for a button that is not for the person looking. */
export function drawElement(element, field) {
  const draw = own(DRAWN, element.type);
  if (draw) return draw(element, field);
  return el("span", { class: "bk-not-drawn" }, `An element of type ${element.type} is not drawn here.`);
}
