// The conversations one sees, with what waits in them.

import { el } from "./blockkit/dom.js";
import { drawKeyed } from "./keyed.js";
import { FOR_ME, count } from "./marks.js";
import { addressOf, go, place } from "./place.js";

/** How the app's direct message is called in the address. */
export const appName = (look) => `@${look.app.name}`;

/** The conversation of the look that is open; undefined before a first direct message. */
export function openChannel(look) {
  return look.channels.find((channel) => channel.id === look.open);
}

/** Draws the sidebar. `onChoose()` is called when a conversation was chosen, even the open one. */
export function drawSidebar(look, onChoose) {
  const channels = look.channels.filter((channel) => channel.kind !== "im");
  const direct = look.channels.find((channel) => channel.kind === "im");
  const app = { kind: "im", unread: 0, member: true, ...direct, title: look.app.real_name, home: look.app.home_tab };
  drawKeyed(document.getElementById("channels"), channels.map((each) => entry(each, each.name, onChoose)));
  drawKeyed(document.getElementById("apps"), [entry(app, appName(look), onChoose)]);
}

function entry(channel, target, onChoose) {
  const here = place.in === target;
  const classes = ["entry", here && "here", channel.unread && channel.member && "unread"].filter(Boolean).join(" ");
  const sign = channel.kind === "im" ? "✓" : channel.kind === "private_channel" ? "🔒" : "#";
  return {
    key: target,
    stamp: JSON.stringify([classes, channel.for_me, channel.unread, place.as]),
    draw: () => {
      // The app's Home says what it is for; where it wrote something new, that comes first.
      const tab = channel.home && !channel.unread ? "home" : "messages";
      const changes = { in: target, thread: "", tab };
      const link = el(
        "a",
        { class: classes, href: addressOf(changes), "aria-current": here ? "page" : null, "data-channel": target },
        el("span", { class: "sign", "aria-hidden": "true" }, sign),
        el("span", { class: "entry-name" }, channel.title ?? channel.name),
        channel.for_me ? count(channel.for_me, FOR_ME) : null,
      );
      link.addEventListener("click", (event) => follow(event, changes, onChoose));
      return el("li", {}, link);
    },
  };
}

/** A plain click stays in this window; with Ctrl, or the middle button, the link opens another one, as links do. */
export function follow(event, changes, then) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(changes);
  then?.();
}
