// One message, in a channel or in a thread, and lists of them.

import { act, contextOf, targetOf } from "./acting.js";
import { renderBlocks, renderMrkdwn } from "./blockkit/blocks.js";
import { el } from "./blockkit/dom.js";
import { emoji } from "./blockkit/emoji.js";
import { drawKeyed } from "./keyed.js";
import { FOR_ME, avatar, count, nameOf } from "./marks.js";
import { shortcutMenu } from "./menus.js";
import { dayOf, fullOf, millisecondsOf, timeOf } from "./moments.js";
import { go } from "./place.js";

/** Draws messages, oldest first, with a line where a day begins. `threads`: offers to reply in a thread. */
export function drawMessages(list, look, messages, { threads }) {
  const items = [];
  let day = null;
  for (const message of messages) {
    const its = dayOf(millisecondsOf(message.ts));
    if (its !== day) items.push(dayLine(its, message.ts));
    day = its;
    items.push(oneMessage(look, message, threads ? repliesTo(look, message) : null));
  }
  drawKeyed(list, items);
}

/** The replies in a message's thread that this person sees, oldest first. */
export function repliesTo(look, root) {
  return look.messages.filter((message) => message.thread_ts === root.ts && message.ts !== root.ts);
}

function unreadIn(replies) {
  return replies.filter((reply) => reply.unread && reply.calls_me).length;
}

function dayLine(day, ts) {
  return { key: `day-${ts}`, stamp: day, draw: () => el("li", { class: "day" }, el("span", {}, day)) };
}

function oneMessage(look, message, replies) {
  const thread = replies && [replies.length, replies.at(-1)?.ts, unreadIn(replies)];
  return {
    key: `${message.channel_id}-${message.ts}${message.ephemeral ? "-private" : ""}`,
    // Dates in a message may read differently on another day; the day's line tells when that happens.
    stamp: JSON.stringify([look.me.id, message.changed, thread, message.reactions, dayOf(millisecondsOf(message.ts))]),
    draw: () => messageNode(look, message, replies),
  };
}

function messageNode(look, message, replies) {
  const parts = { class: message.ephemeral ? "message private" : "message", "data-ts": message.ts, tabindex: "-1" };
  return el(
    "li",
    { ...parts, "data-author": message.author, "data-private": message.ephemeral, "data-asks": message.asks_me },
    avatar(look, message.author_id),
    el(
      "div",
      { class: "message-body" },
      message.ephemeral ? onlyYou(message) : null,
      byline(look, message),
      content(look, message),
      files(look, message),
      reactions(look, message),
      replies?.length ? repliesButton(replies, message) : null,
    ),
    message.ephemeral ? null : tools(look, message, replies !== null),
  );
}

function onlyYou(message) {
  const dismiss = () => act("dismiss", { ephemeral: message.ts });
  const button = el("button", { type: "button", class: "as-link", onclick: dismiss }, "Dismiss");
  return el("p", { class: "only-you" }, "👁 Only visible to you · ", button);
}

function byline(look, message) {
  const moment = millisecondsOf(message.ts);
  return el(
    "p",
    { class: "byline" },
    el("b", { class: "author" }, nameOf(look, message.author_id)),
    message.author_id === look.app.id ? el("span", { class: "tag" }, "APP") : null,
    el("time", { datetime: new Date(moment).toISOString(), title: fullOf(moment) }, timeOf(moment)),
    message.edited ? el("span", { class: "muted" }, "(edited)") : null,
  );
}

function content(look, message) {
  const context = contextOf(look, "message", targetOf(message), { values: message.values });
  const main = message.blocks.length ? renderBlocks(message.blocks, context) : paragraph(message.text, context);
  const attached = message.attachments.map((each) =>
    el("div", { class: "attachment" }, each.blocks ? renderBlocks(each.blocks, context) : paragraph(each.text || each.fallback, context)),
  );
  return el("div", { class: "content" }, main, attached);
}

function paragraph(text, context) {
  return el("p", { class: "as-typed" }, renderMrkdwn(text || "", context));
}

function files(look, message) {
  return message.files.map((file) => {
    const query = new URLSearchParams({ person: look.me.name, file: file.id });
    const name = el("b", {}, file.name);
    return el("a", { class: "file", href: `/control/file?${query}`, download: file.name }, "📄 ", name, ` ${file.size} bytes`);
  });
}

function reactions(look, message) {
  if (!message.reactions.length) return null;
  const each = ({ name, users }) =>
    el("li", { title: users.map((id) => nameOf(look, id)).join(", ") }, emoji(name) ?? `:${name}:`, ` ${users.length}`);
  return el("ul", { class: "reactions", "aria-label": "Reactions" }, message.reactions.map(each));
}

function repliesButton(replies, message) {
  const unread = unreadIn(replies);
  const forAll = replies.filter((reply) => !reply.ephemeral).length;
  const forMe = replies.length - forAll;
  const counted = forAll || forMe;
  const label = `${counted} ${counted === 1 ? "reply" : "replies"}${forAll ? "" : ", only for you"}`;
  return el(
    "button",
    { type: "button", class: "replies", "data-replies": message.ts, onclick: () => go({ thread: message.ts }) },
    el("b", {}, label),
    unread ? count(unread, FOR_ME) : null,
    forAll && forMe ? el("span", { class: "muted" }, `and ${forMe} only for you`) : null,
    el("span", { class: "muted" }, `Last at ${timeOf(millisecondsOf(replies.at(-1).ts))}`),
  );
}

function tools(look, message, threads) {
  const reply = { type: "button", class: "tool", "data-reply": message.ts, "aria-label": "Reply in thread", title: "Reply in thread" };
  return el(
    "div",
    { class: "tools", role: "group", "aria-label": "On this message" },
    threads ? el("button", { ...reply, onclick: () => go({ thread: message.ts }) }, "💬", el("span", {}, " Reply")) : null,
    shortcutMenu(look, "message", targetOf(message)),
  );
}
