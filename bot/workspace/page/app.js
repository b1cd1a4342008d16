// The page: draws each look at the workspace, and goes where one clicks.

import { act } from "./acting.js";
import { el } from "./blockkit/dom.js";
import { drawClock, makeClock } from "./clock.js";
import { makeComposer } from "./composer.js";
import { tellGroups } from "./groups.js";
import { drawHint, makeHint } from "./hint.js";
import { drawHome, drawTabs, makeTabs } from "./home.js";
import { watch } from "./look.js";
import { FOR_ME, count } from "./marks.js";
import { drawMessages, repliesTo } from "./messages.js";
import { drawModal, makeModals } from "./modals.js";
import { drawPeople } from "./people.js";
import { go, onMove, place } from "./place.js";
import { watchPresses } from "./pressing.js";
import { keepAtEnd } from "./scrolling.js";
import { guardClicks, moving } from "./settling.js";
import { appName, drawSidebar, openChannel } from "./sidebar.js";
import { tellErrors } from "./toasts.js";

const $ = (id) => document.getElementById(id);
const shell = $("shell");
let look = null;

const channelScroll = keepAtEnd($("scroll"), $("below"));
const threadScroll = keepAtEnd($("thread-scroll"), $("thread-below"), { answersAll: true });
let thread = ""; // the one that is shown
const composer = makeComposer($("composer"), "composer-text", () => ({
  channel: place.in,
  thread: "",
  label: `Message ${titleOf(openChannel(look))}`,
  sent: channelScroll.sent,
  closed: closedBecause(openChannel(look)),
}));
const threadComposer = makeComposer($("thread-composer"), "thread-text", () => ({
  channel: place.in,
  thread: place.thread,
  label: "Reply in the thread",
  sent: threadScroll.sent,
  closed: closedBecause(openChannel(look)),
}));

function isDirect() {
  return place.in === appName(look);
}

function titleOf(channel) {
  if (isDirect()) return look.app.real_name;
  return channel ? `#${channel.name}` : place.in;
}

function closedBecause(channel) {
  if (channel?.archived) return "This channel is archived. Nobody can write here.";
  if (isDirect() && look.app.read_only) return `${look.app.real_name} writes to you here. You cannot write back.`;
  return null;
}

function draw(newLook) {
  look = newLook;
  if (look === null) return go({ as: "ana", in: "general", thread: "", tab: "messages" }, { quietly: true });
  drawClock(look);
  // Somebody else may see nothing of the conversation that was open.
  const lost = look.open === null && !isDirect();
  if (lost) return go({ in: look.channels.find((each) => each.kind !== "im").name, thread: "" }, { quietly: true });
  $("team").textContent = look.team;
  $("who").replaceChildren(el("b", {}, look.me.real_name), el("span", { class: "role" }, look.me.from || look.me.title));
  drawPeople(look);
  drawSidebar(look, () => showPane("channel"));
  drawChannel(openChannel(look));
  drawThread();
  drawModal(look);
  tellErrors(look);
  return read();
}

function drawChannel(channel) {
  const title = titleOf(channel);
  document.title = `${title} · ${look.me.real_name} · ${look.team}`;
  $("channel-name").textContent = title;
  $("channel-purpose").textContent = [channel?.purpose, ...(channel?.shared_with ?? []).map((team) => `shared with ${team}`)].filter(Boolean).join(" · ");
  const elsewhere = look.channels.filter((each) => each !== channel).reduce((sum, each) => sum + each.for_me, 0);
  $("elsewhere").replaceChildren(...(elsewhere ? [count(elsewhere, FOR_ME)] : []));
  const home = drawTabs(look, isDirect());
  drawHome(look, home);
  drawHint(look, home);
  $("log").hidden = home;
  $("composer").hidden = home;
  $("nothing-yet").hidden = !isDirect() || look.messages.length > 0;
  $("nothing-yet").textContent = `${look.app.real_name} has not written to you yet.`;
  const roots = look.messages.filter((message) => !isReply(message));
  channelScroll.follow(`${look.me.id} ${place.in} ${home}`, () => drawMessages($("messages"), look, roots, { threads: true }));
  composer.update(look);
}

function isReply(message) {
  return message.thread_ts && message.thread_ts !== message.ts;
}

function drawThread() {
  const root = look.messages.find((message) => message.ts === place.thread && !message.ephemeral);
  $("thread").hidden = !root;
  if (!root) return (thread = "");
  const list = [root, ...repliesTo(look, root)];
  threadScroll.follow(`${look.me.id} ${place.thread}`, () => drawMessages($("thread-messages"), look, list, { threads: false }));
  threadComposer.update(look);
  const came = thread !== place.thread;
  thread = place.thread;
  // Who opened it with a key goes on in it.
  if (came && document.querySelector("#messages :focus-visible, #messages > :focus-visible")) $("thread-title").focus();
}

// Tells the workspace what was read: only what stands in a window that somebody may be looking at.
function read() {
  if (document.visibilityState !== "visible") return;
  const unread = look.messages.filter((message) => message.unread);
  const inChannel = unread.filter((message) => !isReply(message)).at(-1);
  const inThread = unread.filter((message) => isReply(message) && message.thread_ts === place.thread).at(-1);
  if (inChannel && isShown($("channel")) && !$("log").hidden) act("read", { channel: place.in, ts: inChannel.ts });
  if (inThread && isShown($("thread"))) act("read", { channel: place.in, ts: inThread.ts, thread: place.thread });
}

function isShown(pane) {
  return pane.getClientRects().length > 0;
}

// On a narrow screen one pane is shown at a time.
function showPane(name) {
  moving(() => (shell.dataset.pane = name));
  if (look) read();
}

function tellGone(isGone) {
  $("gone").hidden = !isGone;
  $("gone").textContent = isGone ? "The demo was stopped. Run `make demo` again." : "";
}

makeClock($("clock"));
makeHint((text) => composer.put(text));
const refresh = watch({
  where: () => ({ person: place.as, channel: place.in }),
  onLook: (next) => {
    // Another world answers at this address: the demo was started anew, perhaps with another page.
    if (look && next && next.world !== look.world) return location.reload();
    return moving(() => draw(next));
  },
  onGone: tellGone,
});

watchPresses();
guardClicks();
tellGroups((id) => look?.members[id]);
makeModals(refresh);
makeTabs();

onMove(() => {
  showPane(place.thread ? "thread" : shell.dataset.pane === "thread" ? "channel" : shell.dataset.pane);
  refresh();
});
for (const button of document.querySelectorAll("[data-back]")) {
  button.addEventListener("click", () => {
    if (place.thread) go({ thread: "" });
    showPane(button.dataset.back);
  });
}
$("close-thread").addEventListener("click", () => {
  const root = place.thread;
  go({ thread: "" });
  document.querySelector(`[data-replies="${root}"], [data-reply="${root}"]`)?.focus({ preventScroll: true });
});
document.addEventListener("visibilitychange", () => look && read());
