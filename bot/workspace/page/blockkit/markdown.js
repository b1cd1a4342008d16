// The markdown block: headings, lists, quotes, code, rules, emphasis and links. HTML in it is text like any other.

import { el, fragment, link } from "./dom.js";
import { withEmoji } from "./emoji.js";

const HEADING = /^(#{1,6})\s+(.*)$/;
const RULE = /^(?:-{3,}|\*{3,}|_{3,})\s*$/;
const BULLET = /^\s*[-*+]\s+(.*)$/;
const NUMBERED = /^\s*(\d{1,9})[.)]\s+(.*)$/;
const QUOTED = /^>\s?(.*)$/;
const FENCE = /^```/;
const MARKS = [
  /`([^`\n]+)`/,
  /\*\*([^*\s](?:[^*\n]*[^*\s])?)\*\*/,
  /~~([^~\s](?:[^~\n]*[^~\s])?)~~/,
  /\*([^*\s](?:[^*\n]*[^*\s])?)\*/,
  /(?<!\w)_([^_\s](?:[^_\n]*[^_\s])?)_(?!\w)/,
  /\[([^\[\]\n]+)\]\(([^()\s]+)\)/,
];
const INLINE = new RegExp(MARKS.map((mark) => mark.source).join("|"), "g");

/** A markdown block. */
export function markdownBlock(block, ctx) {
  const out = el("div", { class: "bk-markdown" });
  const lines = String(block.text ?? "").split("\n");
  for (let at = 0; at < lines.length; ) at = oneBlock(lines, at, out, ctx);
  return out;
}

function oneBlock(lines, at, out, ctx) {
  const line = lines[at];
  const heading = HEADING.exec(line);
  if (FENCE.test(line)) return fenced(lines, at, out);
  if (heading) {
    out.append(el(`h${Math.min(heading[1].length + 2, 6)}`, { class: "bk-header" }, inline(heading[2], ctx)));
    return at + 1;
  }
  if (RULE.test(line)) {
    out.append(el("hr", { class: "bk-divider" }));
    return at + 1;
  }
  if (BULLET.test(line) || NUMBERED.test(line)) return list(lines, at, out, ctx);
  if (QUOTED.test(line)) return quote(lines, at, out, ctx);
  if (line.trim() === "") return at + 1;
  return paragraph(lines, at, out, ctx);
}

function fenced(lines, at, out) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  out.append(el("pre", { class: "bk-pre" }, lines.slice(at + 1, end).join("\n")));
  return end + 1;
}

function quote(lines, at, out, ctx) {
  const make = (texts) => el("blockquote", { class: "bk-quote" }, inline(texts.join("\n"), ctx));
  return gathered(lines, at, QUOTED, out, make);
}

function list(lines, at, out, ctx) {
  const form = BULLET.test(lines[at]) ? BULLET : NUMBERED;
  const start = form === NUMBERED ? Number(NUMBERED.exec(lines[at])[1]) : null;
  return gathered(lines, at, form, out, (texts) => {
    const items = texts.map((text) => el("li", {}, inline(text, ctx)));
    return el(form === NUMBERED ? "ol" : "ul", { class: "bk-list", start }, items);
  });
}

function gathered(lines, at, form, out, make) {
  const texts = [];
  for (let found; at < lines.length && (found = form.exec(lines[at])); at += 1) texts.push(found.at(-1));
  out.append(make(texts));
  return at;
}

function paragraph(lines, at, out, ctx) {
  const starts = [HEADING, RULE, BULLET, NUMBERED, QUOTED, FENCE, /^\s*$/];
  let end = at + 1;
  while (end < lines.length && !starts.some((form) => form.test(lines[end]))) end += 1;
  out.append(el("p", { class: "bk-text" }, inline(lines.slice(at, end).join("\n"), ctx)));
  return end;
}

function inline(text, ctx) {
  const out = fragment();
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, code, bold, strike, star, under, label, address] = found;
    out.append(withEmoji(text.slice(from, found.index)));
    from = found.index + whole.length;
    if (code !== undefined) out.append(el("code", { class: "bk-code" }, code));
    else if (bold !== undefined) out.append(el("b", {}, inline(bold, ctx)));
    else if (strike !== undefined) out.append(el("s", {}, inline(strike, ctx)));
    else if (label !== undefined) out.append(link(address, label, ctx));
    else out.append(el("i", {}, inline(star ?? under, ctx)));
  }
  out.append(withEmoji(text.slice(from)));
  return out;
}
