// The table block. A table wider than its place scrolls in a frame of its own.

import { el } from "./dom.js";
import { richText } from "./rich_text.js";

const ALIGNED = new Set(["left", "center", "right"]);

/** A table block; its first row names the columns. */
export function tableBlock(block, ctx) {
  const [first = [], ...rest] = block.rows ?? [];
  const settings = block.column_settings ?? [];
  const row = (cells, tag) => el("tr", {}, cells.map((each, at) => cell(each, tag, settings[at], ctx)));
  const body = el("tbody", {}, rest.map((each) => row(each, "td")));
  const table = el("table", { class: "bk-table" }, el("thead", {}, row(first, "th")), body);
  return el("div", { class: "bk-table-frame", tabindex: "0", role: "region", "aria-label": "Table" }, table);
}

function cell(value, tag, setting, ctx) {
  const inside = value?.type === "rich_text" ? richText(value, ctx) : String(value?.text ?? "");
  const align = ALIGNED.has(setting?.align) ? setting.align : null;
  const looks = { class: setting?.is_wrapped ? "bk-cell bk-wrapped" : "bk-cell", "data-align": align };
  return el(tag, { ...looks, scope: tag === "th" ? "col" : null }, inside);
}
