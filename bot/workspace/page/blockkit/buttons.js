// What is pressed: buttons, icon buttons, feedback buttons.

import { el, openable } from "./dom.js";
import { own } from "./lookup.js";
import { textOf } from "./text.js";

const ICONS = { trash: "🗑️" };

/** A button; null where it is not for the person looking. */
export function button(element, field) {
  if (hidden(element, field.ctx)) return null;
  const look = element.style === "primary" || element.style === "danger" ? ` bk-${element.style}` : "";
  const label = textOf(element.text);
  return element.url ? urlButton(element, field, label, look) : press(element, field, [label], look);
}

/** A small button with an icon before its text. */
export function iconButton(element, field) {
  if (hidden(element, field.ctx)) return null;
  return press(element, field, [icon(own(ICONS, element.icon) ?? "•"), textOf(element.text)], " bk-quiet");
}

/** Thumbs up and thumbs down, each pressed by itself. */
export function feedbackButtons(element, field) {
  const one = (part, sign) => {
    const pressed = { type: "feedback_buttons", action_id: element.action_id, ...part };
    return part ? press(pressed, field, [icon(sign), textOf(part.text)], " bk-quiet") : null;
  };
  const both = [one(element.positive_button, "👍"), one(element.negative_button, "👎")];
  return el("span", { class: "bk-feedback", role: "group", "aria-label": "Feedback" }, both);
}

function hidden(element, ctx) {
  return Array.isArray(element.visible_to_user_ids) && !element.visible_to_user_ids.includes(ctx.me);
}

function icon(sign) {
  return el("span", { "aria-hidden": "true", class: "bk-icon" }, sign);
}

function press(element, field, inside, look) {
  const node = el("button", { ...naming(element), type: "button", class: `bk-button${look}` }, inside);
  node.addEventListener("click", () => act(node, element, field));
  return node;
}

function urlButton(element, field, label, look) {
  const href = openable(element.url);
  if (href === null) return el("span", { class: "bk-not-drawn" }, `${label}: a link of this kind is not opened here.`);
  const usual = { href, target: "_blank", rel: "noopener noreferrer", title: href };
  const sign = el("span", { "aria-hidden": "true" }, " ↗");
  const node = el("a", { ...naming(element), ...usual, class: `bk-button${look}` }, label, sign);
  node.addEventListener("click", async (event) => {
    event.preventDefault();
    if (await act(node, element, field)) field.ctx.open(href);
  });
  return node;
}

function naming(element) {
  return { "data-action-id": element.action_id, "aria-label": element.accessibility_label || null };
}

/** Presses once: until what it started is over, the button is busy and takes no other press. */
async function act(node, element, field) {
  if (node.getAttribute("aria-busy") === "true") return false;
  if (element.confirm && !(await field.ctx.confirm(element.confirm))) return false;
  node.setAttribute("aria-busy", "true");
  try {
    await field.ctx.act(field.blockId, element.action_id, element);
    return true;
  } finally {
    node.removeAttribute("aria-busy");
  }
}
