// What is typed: text, numbers, addresses, rich text as plain text; and the note that stands for files.

import { el } from "./dom.js";
import { richTextAsText, textAsRichText } from "./rich_text.js";
import { textOf } from "./text.js";
import { enter, held, ties } from "./values.js";

const MOST = 3000;
const NEAR = 0.8;
const MODES = { number_input: "decimal", email_text_input: "email", url_text_input: "url" };

/** A line or an area to type into. Its text is exactly what was typed, so that what is shown is what is sent. */
export function typed(element, field) {
  return typing(element, field, Boolean(element.multiline), held(field) ?? "", (text) => text);
}

/** Rich text, typed without styles. */
export function richTextInput(element, field) {
  const value = (text) => (text ? textAsRichText(text) : null);
  return typing(element, field, true, richTextAsText(held(field)), value);
}

/** Files cannot be chosen here, and the field says so. */
export function fileInput(element, field) {
  const node = el("input", { ...ties(field), type: "text", class: "bk-input", disabled: true });
  node.value = "Files cannot be chosen on this page.";
  return node;
}

function typing(element, field, multiline, text, value) {
  const placeholder = textOf(element.placeholder) || null;
  const usual = { ...ties(field), class: "bk-input", placeholder, autocomplete: "off" };
  const mode = { inputmode: MODES[element.type] ?? null, spellcheck: element.type in MODES ? "false" : null };
  const node = multiline ? el("textarea", { ...usual, rows: 4 }) : el("input", { ...usual, ...mode, type: "text" });
  node.value = text;
  const note = lengthNote(element, node);
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  node.addEventListener("input", () => {
    note.update();
    enter(field, value(node.value), field.dispatches && triggers.includes("on_character_entered"));
  });
  const hint = field.dispatches && triggers.includes("on_enter_pressed") ? sendOnEnter(node, field, value) : null;
  return el("div", { class: "bk-typed" }, node, hint, note.node);
}

function sendOnEnter(node, field, value) {
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    enter(field, value(node.value), true);
  });
  const area = node.tagName === "TEXTAREA";
  return el("p", { class: "bk-hint" }, area ? "Enter sends, Shift+Enter begins a line." : "Enter sends.");
}

/** How many characters there are, once the text comes near its limit or while it is too short. */
function lengthNote(element, input) {
  const counts = element.type === "plain_text_input";
  const most = element.max_length ?? MOST;
  const least = element.min_length ?? 0;
  const node = el("p", { class: "bk-count", "aria-live": "polite" });
  const update = () => {
    const length = [...input.value].length;
    const over = length > most;
    node.classList.toggle("bk-over", over);
    if (!counts) node.textContent = "";
    else if (over) node.textContent = `${length} of ${most} characters: ${length - most} too many`;
    else if (length > most * NEAR) node.textContent = `${length} of ${most} characters`;
    else if (length > 0 && length < least) node.textContent = `${length} of at least ${least} characters`;
    else node.textContent = "";
  };
  update();
  return { node, update };
}
