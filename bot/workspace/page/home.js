// The app's own place: its Home, and the messages between it and the person.

import { act, contextOf } from "./acting.js";
import { renderBlocks } from "./blockkit/blocks.js";
import { el } from "./blockkit/dom.js";
import { go, place } from "./place.js";
import { replaceKeepingFocus } from "./keyed.js";
import { FOR_ME, count, newMark } from "./marks.js";

const LOADS_MS = 10_000;

const tabs = document.getElementById("tabs");
let told = null;

/** Lets the tabs of the app's direct message be pressed, and reached with the arrow keys, as tabs are. */
export function makeTabs() {
  for (const tab of tabs.children) tab.addEventListener("click", () => go({ tab: tab.dataset.tab, thread: "" }));
  tabs.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const other = tabs.querySelector("[aria-selected=false]");
    other.focus();
    other.click();
  });
}

/** Draws the tabs of the app's direct message; whether its Home is the one that is open. */
export function drawTabs(look, isDirect) {
  const home = isDirect && look.app.home_tab && (place.tab === "home" || !look.app.messages_tab);
  const open = home ? "home" : "messages";
  tabs.hidden = !(isDirect && look.app.home_tab && look.app.messages_tab);
  for (const tab of tabs.children) {
    const selected = tab.dataset.tab === open;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
  }
  drawMark(look);
  tellApp(look, isDirect ? open : null);
  return home;
}

// What the app wrote meanwhile, such as the message of a run that was started from its Home.
function drawMark(look) {
  const { unread, for_me } = look.channels.find((channel) => channel.kind === "im") ?? {};
  document.getElementById("new-messages").replaceChildren(...(for_me ? [count(for_me, FOR_ME)] : unread ? [newMark()] : []));
}

// Slack tells the app whenever somebody opens its Home or its messages; the app draws its Home then.
function tellApp(look, tab) {
  const opened = tab && `${look.me.id} ${tab}`;
  if (opened && opened !== told) act("home", { tab });
  told = opened;
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
  const drawn = home ? renderBlocks(home.blocks, contextOf(look, "home", { home: true }, { values: home.values })) : waiting(app);
  if (section.firstElementChild) replaceKeepingFocus(section.firstElementChild, drawn);
  else section.append(drawn);
}

// The app has just been told that somebody is here; if it says nothing, then that is said.
function waiting(app) {
  const line = el("p", { class: "muted" }, "Loading…");
  setTimeout(() => (line.textContent = `${app.real_name} has put nothing here yet.`), LOADS_MS);
  return line;
}
