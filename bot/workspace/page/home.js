// The app's own place: its Home, and the messages between it and the person.

import { act, contextOf } from "./acting.js";
import { renderBlocks } from "./blockkit/blocks.js";
import { el } from "./blockkit/dom.js";
import { go, place } from "./place.js";
import { replaceKeepingFocus } from "./keyed.js";

let asked = null;

/** Draws the tabs of the app's direct message; whether its Home is the one that is open. */
export function drawTabs(look, isDirect) {
  const tabs = document.getElementById("tabs");
  const both = isDirect && look.app.home_tab && look.app.messages_tab;
  const home = isDirect && look.app.home_tab && (place.tab === "home" || !look.app.messages_tab);
  tabs.hidden = !both;
  const stamp = JSON.stringify([both, home]);
  if (tabs.dataset.stamp !== stamp) {
    tabs.dataset.stamp = stamp;
    tabs.replaceChildren(tab("Home", "home", home), tab("Messages", "messages", !home));
  }
  if (home) openHome(look);
  else asked = null;
  return home;
}

function tab(label, name, selected) {
  const parts = { type: "button", role: "tab", "aria-selected": String(selected), "data-tab": name };
  return el("button", { ...parts, onclick: () => go({ tab: name, thread: "" }) }, label);
}

// Slack tells the app whenever somebody opens its Home; the app draws it then.
function openHome(look) {
  if (asked === look.me.id) return;
  asked = look.me.id;
  act("home", { tab: "home" });
}

/** Draws the Home of the app for this person. */
export function drawHome(look, isOpen) {
  const section = document.getElementById("home");
  section.hidden = !isOpen;
  if (!isOpen) return;
  const { home, me, app } = look;
  const stamp = JSON.stringify([me.id, home?.id, home?.hash]);
  if (section.dataset.stamp === stamp) return;
  section.dataset.stamp = stamp;
  const nothing = () => el("p", { class: "muted" }, `${app.real_name} has put nothing here yet.`);
  const drawn = home ? renderBlocks(home.blocks, contextOf(look, "home", { home: true }, { values: home.values })) : nothing();
  if (section.firstElementChild) replaceKeepingFocus(section.firstElementChild, drawn);
  else section.append(drawn);
}
