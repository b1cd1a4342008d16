// Slack's message markup as DOM: control sequences such as <@U1>, styles such as *bold*, quotes and code.

import { el, fragment, link } from "./dom.js";
import { date } from "./dates.js";
import { withEmoji } from "./emoji.js";
import { broadcast, channel, user, usergroup } from "./mentions.js";

const FENCE = /```([\s\S]+?)```/g;
const QUOTED = /^(?:&gt;|>) ?/;
const QUOTED_TO_THE_END = /^(?:&gt;|>){3} ?/;
const OPAQUE = /`([^`\n]+)`|<([^<>]+)>/g;
const STYLES = { "*": "b", _: "i", "~": "s" };
const WORD = /[\p{L}\p{N}_]/u;

/** The three entities as the characters they stand for, once: what was escaped twice stays escaped once. */
export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** A mrkdwn text as nodes. */
export function renderMrkdwn(text, ctx) {
  const raw = String(text ?? "");
  const out = fragment();
  let from = 0;
  for (const found of raw.matchAll(FENCE)) {
    appendLines(out, raw.slice(from, found.index).replace(/\n$/, ""), ctx);
    out.append(el("pre", { class: "bk-pre" }, literal(found[1].replace(/^\n|\n$/g, ""), ctx)));
    from = found.index + found[0].length;
  }
  appendLines(out, from ? raw.slice(from).replace(/^\n/, "") : raw, ctx);
  return out;
}

function appendLines(out, text, ctx) {
  if (!text) return;
  const lines = text.split("\n");
  let needsBreak = false;
  for (let at = 0; at < lines.length; ) {
    const end = quoteEnd(lines, at);
    if (end > at) {
      const quoted = lines.slice(at, end).map((line, index) => unquoted(line, index));
      out.append(el("blockquote", { class: "bk-quote" }, inlineLines(quoted, ctx)));
      needsBreak = false;
      at = end;
      continue;
    }
    if (needsBreak) out.append("\n");
    out.append(inline(lines[at], ctx, ""));
    needsBreak = true;
    at += 1;
  }
}

function unquoted(line, index) {
  return line.replace(index === 0 && QUOTED_TO_THE_END.test(line) ? QUOTED_TO_THE_END : QUOTED, "");
}

function quoteEnd(lines, start) {
  if (QUOTED_TO_THE_END.test(lines[start])) return lines.length;
  let end = start;
  while (end < lines.length && QUOTED.test(lines[end])) end += 1;
  return end;
}

function inlineLines(lines, ctx) {
  return lines.map((line, index) => fragment(index ? "\n" : null, inline(line, ctx, "")));
}

/** One line, in which the styles of `open` are on already and cannot be opened again. */
function inline(raw, ctx, open) {
  const out = fragment();
  const mask = raw.replace(OPAQUE, (found) => "<".repeat(found.length));
  const hopeless = new Set(open);
  let from = 0;
  for (let at = 0; at < raw.length; at += 1) {
    const mark = mask[at];
    if (!(mark in STYLES) || hopeless.has(mark) || !opens(mask, at)) continue;
    const end = closing(mask, at);
    if (end < 0) {
      hopeless.add(mark); // no closing mark after here, so none after any later opening one
      continue;
    }
    if (at > from) out.append(atoms(raw.slice(from, at), ctx));
    out.append(el(STYLES[mark], {}, inline(raw.slice(at + 1, end), ctx, open + mark)));
    from = end + 1;
    at = end;
  }
  if (from < raw.length) out.append(atoms(raw.slice(from), ctx));
  return out;
}

function opens(mask, at) {
  const next = mask[at + 1];
  return !WORD.test(mask[at - 1] ?? " ") && next !== undefined && next !== mask[at] && !/\s/.test(next);
}

function closing(mask, start) {
  const mark = mask[start];
  for (let at = mask.indexOf(mark, start + 2); at >= 0; at = mask.indexOf(mark, at + 1)) {
    if (!/\s/.test(mask[at - 1]) && !WORD.test(mask[at + 1] ?? " ")) return at;
  }
  return -1;
}

/** Text without styles: code spans, control sequences, and what is between them. */
function atoms(raw, ctx) {
  const out = fragment();
  let from = 0;
  for (const found of raw.matchAll(OPAQUE)) {
    const [, code, inner] = found;
    const node = code === undefined ? control(inner, ctx) : el("code", { class: "bk-code" }, literal(code, ctx));
    if (node === null) continue;
    out.append(withEmoji(unescape(raw.slice(from, found.index))), node);
    from = found.index + found[0].length;
  }
  out.append(withEmoji(unescape(raw.slice(from))));
  return out;
}

/** Code: its letters, and what control sequences in it stand for; no styles, no emoji. */
function literal(raw, ctx) {
  const out = fragment();
  let from = 0;
  for (const found of raw.matchAll(/<([^<>]+)>/g)) {
    const node = control(found[1], ctx);
    if (node === null) continue;
    out.append(unescape(raw.slice(from, found.index)), node);
    from = found.index + found[0].length;
  }
  out.append(unescape(raw.slice(from)));
  return out;
}

/** The node that the inside of <...> stands for; null where it is only a stray pair of brackets. */
function control(inner, ctx) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : unescape(inner.slice(bar + 1));
  if (/^@\S/.test(target)) return user(target.slice(1), ctx);
  if (/^#\S/.test(target)) return channel(target.slice(1), ctx);
  if (target.startsWith("!subteam^")) return usergroup(target.slice("!subteam^".length), ctx);
  if (target.startsWith("!date^")) return dated(target.slice("!date^".length), label, ctx);
  if (/^!\S/.test(target)) return broadcast(target.slice(1).split("^")[0]);
  if (/^[a-z][a-z0-9+.-]*:\S/.test(target)) return link(unescape(target), withEmoji(label), ctx);
  return null;
}

function dated(inner, fallback, ctx) {
  const [timestamp, format, ...address] = unescape(inner).split("^");
  return date(timestamp, format, fallback, ctx, address.join("^"));
}
