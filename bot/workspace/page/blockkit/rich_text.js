// The rich_text block: sections, lists, quotes and preformatted text. Texts in it are literal.

import { date } from "./dates.js";
import { el, fragment, link } from "./dom.js";
import { emoji, fromCodePoints } from "./emoji.js";
import { broadcast, channel, user, usergroup } from "./mentions.js";

const STYLES = { code: "code", strike: "s", italic: "i", bold: "b", underline: "u", highlight: "mark" };

/** A rich_text block. */
export function richText(block, ctx) {
  const out = el("div", { class: "bk-rich" });
  const parts = block.elements ?? [];
  for (let at = 0; at < parts.length; at += 1) {
    let end = at;
    while (end < parts.length && parts[end].type === "rich_text_list") end += 1;
    if (end > at) {
      out.append(lists(parts.slice(at, end), ctx));
      at = end - 1;
    } else {
      out.append(part(parts[at], ctx));
    }
  }
  return out;
}

/** The letters of a rich_text value, for a field that holds text only. */
export function richTextAsText(value) {
  const letters = (each) => each.text ?? each.url ?? (each.elements ?? []).map(letters).join("");
  return (value?.elements ?? []).map(letters).join("\n");
}

/** Plain text as a rich_text value. */
export function textAsRichText(text) {
  const section = { type: "rich_text_section", elements: [{ type: "text", text }] };
  return { type: "rich_text", elements: [section] };
}

function part(value, ctx) {
  const inside = (value.elements ?? []).map((each) => inline(each, ctx));
  if (value.type === "rich_text_preformatted") return el("pre", { class: "bk-pre" }, inside);
  if (value.type === "rich_text_quote") return el("blockquote", { class: "bk-quote" }, inside);
  return el("div", { class: "bk-rich-section" }, inside);
}

/** Lists that follow each other; a deeper one stands inside the last item of the one before. */
function lists(parts, ctx) {
  const out = fragment();
  const above = [];
  for (const each of parts) {
    const indent = each.indent ?? 0;
    while (above.length && above.at(-1).indent >= indent) above.pop();
    const home = above.at(-1)?.list.lastElementChild ?? out;
    const missing = indent - (above.length ? above.at(-1).indent + 1 : 0);
    const list = oneList(each, ctx, indent, missing);
    home.append(list);
    above.push({ indent, list });
  }
  return out;
}

function oneList(value, ctx, indent, missing) {
  const ordered = value.style === "ordered";
  const start = ordered && value.offset ? value.offset + 1 : null;
  const looks = { class: "bk-list", "data-level": indent % 3, "data-inset": missing > 0 ? Math.min(missing, 8) : null };
  const inside = (item) => (item.elements ?? []).map((each) => inline(each, ctx));
  const items = (value.elements ?? []).map((item) => el("li", {}, inside(item)));
  return el(ordered ? "ol" : "ul", { ...looks, start }, items);
}

function inline(each, ctx) {
  let node = leaf(each, ctx);
  for (const [style, tag] of Object.entries(STYLES)) {
    if (each.style?.[style]) node = el(tag, { class: style === "code" ? "bk-code" : null }, node);
  }
  return node;
}

function leaf(each, ctx) {
  switch (each.type) {
    case "text": return document.createTextNode(each.text ?? "");
    case "link": return link(each.url, each.text, ctx);
    case "emoji": return document.createTextNode(fromCodePoints(each.unicode) ?? emoji(each.name));
    case "user": return user(each.user_id, ctx);
    case "usergroup": return usergroup(each.usergroup_id, ctx);
    case "channel": return channel(each.channel_id, ctx);
    case "broadcast": return broadcast(each.range);
    case "date": return date(each.timestamp, each.format, each.fallback, ctx, each.url);
    case "color": return color(each.value);
    default: return document.createTextNode(each.text ?? each.team_id ?? `[${each.type}]`);
  }
}

function color(value) {
  const swatch = el("span", { class: "bk-swatch", "aria-hidden": "true" });
  if (/^#[0-9a-f]{3,8}$/i.test(value ?? "")) swatch.style.backgroundColor = value;
  return el("span", {}, swatch, String(value ?? ""));
}
