// Acts as the person at this page, and tells them when the workspace refuses. And what blocks need to be drawn and used.

import { confirm } from "./dialogs.js";
import { Refused, post } from "./look.js";
import { now, zone } from "./moments.js";
import { go, place } from "./place.js";
import { toast } from "./toasts.js";

const GONE = "That is not there any more: it changed while you clicked. What stands there now is how it is.";

/** Does something as the person at this page: `act("post", {channel, text})`. The outcome, or null if it was refused. */
export async function act(what, details = {}) {
  const person = place.as;
  try {
    return await post("act", { person, do: what, ...details });
  } catch (error) {
    // Who they are by now has nothing to do with it.
    if (error instanceof Refused && place.as === person) toast(error.isGone ? GONE : error.message);
    return null;
  }
}

/** What `enter` and `act` say about a message, so that the workspace knows which one is meant. */
export function targetOf(message) {
  return message.ephemeral ? { ephemeral: message.ts } : { channel: message.channel_id, ts: message.ts };
}

/**
 * How blocks are drawn and what using them does. `target` says whose they are; `surface` is message, modal or home.
 * `entered()` are values that the workspace does not know yet; `keep(block, action, value)` holds one back until then.
 */
export function contextOf(look, surface, target, { values = {}, errors = {}, entered = () => ({}), keep } = {}) {
  const choose = (block, field, value) => act("choose", { ...target, block, field, value, entered: entered() });
  return {
    surface,
    me: look.me.id,
    names: {
      users: look.users,
      channels: Object.fromEntries(look.channels.map((channel) => [channel.id, channel.name])),
      groups: look.groups,
      members: look.members,
      mine: look.my_groups,
    },
    people: look.people,
    channels: look.channels.filter((channel) => channel.kind !== "im"),
    zone,
    now: now(),
    values,
    errors,
    confirm,
    open: (url) => follow(look, url),
    act: (block, button) => act("click", { ...target, block, button, entered: entered() }),
    enter: (block, field, value, dispatches) => {
      keep?.(block, field, value);
      if (dispatches) choose(block, field, value);
    },
    options: () => Promise.resolve([]),
  };
}

// A link to a message of this workspace leads there; anything else opens in a window of its own.
function follow(look, url) {
  const path = url.startsWith(look.team_url) ? url.slice(look.team_url.length) : "";
  const [, id, seconds, micros] = path.match(/^archives\/(\w+)\/p(\d{10})(\d{6})/) ?? [];
  const channel = look.channels.find((each) => each.id === id);
  if (!channel) {
    window.open(url, "_blank", "noopener,noreferrer");
    return;
  }
  const thread = new URL(url).searchParams.get("thread_ts") ?? `${seconds}.${micros}`;
  go({ in: channel.kind === "im" ? `@${look.app.name}` : channel.name, thread, tab: "messages" });
}
