// People, groups, channels and broadcasts inside a text. What concerns the person looking stands out.

import { el } from "./dom.js";
import { own } from "./lookup.js";

function mention(sign, name, concerns, more = {}) {
  const classes = ["bk-mention", concerns && "bk-mention-me", more.role && "bk-group-mention"].filter(Boolean).join(" ");
  return el("span", { class: classes, ...more }, `${sign}${name}`);
}

/** A person; an unknown id is shown as it is, never by a label that the text brought along. */
export function user(id, ctx) {
  return mention("@", own(ctx.names?.users, id) ?? id, id === ctx.me);
}

/** A user group; pointing at it tells who is in it, and the page tells whoever presses it. */
export function usergroup(id, ctx) {
  const members = own(ctx.names?.members, id);
  const pressed = { title: `A group: ${members?.join(", ") || "nobody"}`, role: "button", tabindex: "0", "data-group": id };
  return mention("@", own(ctx.names?.groups, id) ?? id, (ctx.names?.mine ?? []).includes(id), members ? pressed : {});
}

/** A channel. */
export function channel(id, ctx) {
  return mention("#", own(ctx.names?.channels, id) ?? id, false);
}

/** @here, @channel or @everyone. */
export function broadcast(range) {
  return mention("@", range, true);
}
