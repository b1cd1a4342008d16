// Draws Block Kit blocks as DOM: what the page calls.

import { el } from "./dom.js";
import { drawElement, fieldOf } from "./elements.js";
import { inputBlock } from "./input_block.js";
import { own } from "./lookup.js";
import { markdownBlock } from "./markdown.js";
import { image, imageBlock, videoBlock } from "./media.js";
import { richText } from "./rich_text.js";
import { tableBlock } from "./table.js";
import { renderText, textOf } from "./text.js";

export { renderMrkdwn } from "./mrkdwn.js";
export { renderText, textOf } from "./text.js";

const DRAWN = {
  header: (block) => el("h3", { class: "bk-header" }, textOf(block.text)),
  section,
  divider: () => el("hr", { class: "bk-divider" }),
  context,
  actions,
  context_actions: actions,
  input: inputBlock,
  image: imageBlock,
  video: videoBlock,
  rich_text: richText,
  markdown: markdownBlock,
  table: tableBlock,
  alert,
};

const LEVELS = { info: "ℹ Note", warning: "⚠ Warning", error: "✖ Error", success: "✔ Done" };

/** The blocks of a message or view as one element. A block that cannot be drawn says so in its place. */
export function renderBlocks(blocks, ctx) {
  const out = el("div", { class: "bk-blocks" });
  for (const block of blocks ?? []) {
    const node = oneBlock(block, ctx);
    node.classList.add("bk-block", `bk-block-${String(block?.type).replace(/[^a-z_]/g, "")}`);
    if (block?.block_id) node.dataset.blockId = block.block_id;
    out.append(node);
  }
  return out;
}

function oneBlock(block, ctx) {
  const draw = own(DRAWN, block?.type);
  if (!draw) return notDrawn(`A block of type ${block?.type} is not drawn here.`, block);
  try {
    return draw(block, ctx);
  } catch (error) {
    return notDrawn(`A block of type ${block.type} could not be drawn (${error.message}).`, block);
  }
}

function notDrawn(why, block) {
  const text = textsIn(block, 0).join("\n");
  return el("div", { class: "bk-not-drawn" }, el("p", {}, why), text ? el("p", { class: "bk-text" }, text) : null);
}

/** Every text inside a block that is not known, so that nothing a person should read is lost. */
function textsIn(value, depth) {
  if (value === null || typeof value !== "object" || depth > 8) return [];
  const own = typeof value.text === "string" ? [textOf(value)] : [];
  return own.concat(Object.values(value).flatMap((each) => textsIn(each, depth + 1)));
}

function section(block, ctx) {
  const text = block.text ? el("div", { class: "bk-text" }, renderText(block.text, ctx)) : null;
  const fields = (block.fields ?? []).map((each) => el("div", { class: "bk-text" }, renderText(each, ctx)));
  const grid = fields.length ? el("div", { class: "bk-fields" }, fields) : null;
  const body = el("div", { class: "bk-section-body" }, text, grid);
  if (!block.accessory) return el("div", { class: "bk-section" }, body);
  const accessory = drawElement(block.accessory, fieldOf(block.accessory, block, ctx));
  return el("div", { class: "bk-section" }, body, accessory && el("div", { class: "bk-accessory" }, accessory));
}

function context(block, ctx) {
  const parts = (block.elements ?? []).map((each) =>
    each.type === "image" ? image(each, "bk-tiny") : el("span", { class: "bk-text" }, renderText(each, ctx)),
  );
  return el("div", { class: "bk-context" }, parts.map((part, at) => [at ? " " : null, part]));
}

function actions(block, ctx) {
  const parts = (block.elements ?? []).map((each) => drawElement(each, fieldOf(each, block, ctx)));
  return el("div", { class: "bk-actions" }, parts);
}

function alert(block, ctx) {
  const word = own(LEVELS, block.level);
  const before = word ? el("b", {}, `${word}: `) : null;
  const text = el("span", { class: "bk-text" }, renderText(block.text, ctx));
  return el("div", { class: "bk-alert", "data-level": word ? block.level : null, role: "note" }, before, text);
}
