// People, groups, channels and broadcasts inside a text. What concerns the person looking stands out.

import { el } from "./dom.js";
import { own } from "./lookup.js";

function mention(sign, name, concerns, title = null) {
  return el("span", { class: concerns ? "bk-mention bk-mention-me" : "bk-mention", title }, `${sign}${name}`);
}

/** A person; an unknown id is shown as it is, never by a label that the text brought along. */
export function user(id, ctx) {
  return mention("@", own(ctx.names?.users, id) ?? id, id === ctx.me);
}

/** A user group; pointing at it tells who is in it. */
export function usergroup(id, ctx) {
  const members = own(ctx.names?.members, id);
  const title = members ? `A group: ${members.join(", ") || "nobody"}` : null;
  return mention("@", own(ctx.names?.groups, id) ?? id, (ctx.names?.mine ?? []).includes(id), title);
}

/** A channel. */
export function channel(id, ctx) {
  return mention("#", own(ctx.names?.channels, id) ?? id, false);
}

/** @here, @channel or @everyone. */
export function broadcast(range) {
  return mention("@", range, true);
}
