// The input block: its label, its element, the hint below it, and the error in red.

import { el, freshId } from "./dom.js";
import { drawElement, fieldOf, isGroup } from "./elements.js";
import { own } from "./lookup.js";
import { textOf } from "./text.js";

/** An input block. */
export function inputBlock(block, ctx) {
  const error = own(ctx.errors, block.block_id);
  const hint = textOf(block.hint);
  const hintId = hint ? freshId() : "";
  const errorId = error ? freshId() : "";
  const field = fieldOf(block.element, block, ctx, {
    labelled: true,
    name: textOf(block.label),
    dispatches: Boolean(block.dispatch_action),
    required: !block.optional,
    invalid: Boolean(error),
    described: [errorId, hintId].filter(Boolean).join(" "),
  });
  const label = [textOf(block.label), block.optional ? el("span", { class: "bk-optional" }, " (optional)") : null];
  const control = drawElement(block.element, field);
  const below = [
    error ? el("p", { class: "bk-error", id: errorId, role: "alert" }, "⚠ ", String(error)) : null,
    hint ? el("p", { class: "bk-hint", id: hintId }, hint) : null,
  ];
  if (isGroup(block.element)) {
    const ties = { class: "bk-field", "aria-describedby": field.described || null };
    return el("fieldset", ties, el("legend", { class: "bk-label" }, label), control, below);
  }
  return el("div", { class: "bk-field" }, el("label", { class: "bk-label", for: field.id }, label), control, below);
}
