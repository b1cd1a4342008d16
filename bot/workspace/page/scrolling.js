// Keeps a list of messages at its end while it grows, unless the person has scrolled away to read, or has pressed
// something in it: then what they pressed stays where it is, as far as what came of it can be seen too.

import { pressOver } from "./pressing.js";
import { moving } from "./settling.js";

const NEAR = 60;
const BEGINNING = 200; // px of a message that tell what it is
const MARGIN = 16; // px of nothing below the last message
const BAR = 48; // px that the bar may take
const ANSWERED_MS = 10_000;
const PRESSED = ".bk-button, .bk-menu-item";

/**
 * For a scrolling element, and the bar below it that leads on: `follow(what, draw)` draws and then stays where one
 * was, or goes to the end. A last message that is higher than the window is shown from its beginning: nobody should
 * meet its buttons first. Whoever comes where nothing that asks them is in sight at the end comes to what asks them
 * last. Where there are no messages, one begins at the top. The bar is there whenever the end is out
 * of sight, and takes its room from below, so that nothing moves. `sent()`: the person said something, and goes to the
 * end once it, or what answers it, is there. `answersAll`: whatever comes here answers what was pressed last.
 */
export function keepAtEnd(scroll, below, { answersAll = false } = {}) {
  let shown = null;
  let rest = null; // where it was left, if at the end
  let awaits = false; // whether what the person sent is still to come
  let held = null; // the key of the message in which something was pressed last
  let pressedAt = -Infinity;
  let strayed = false; // whether the person has scrolled by themselves

  const node = () => messagesIn(scroll).find((message) => message.dataset.key === held);
  const room = () => scroll.clientHeight + below.offsetHeight;
  const added = () => Number.parseFloat(scroll.style.paddingBottom) || 0;
  const left = () => scroll.scrollHeight - added() - scroll.scrollTop - room();
  const tell = () => (below.hidden = left() <= MARGIN);
  const tellSoon = () => pressOver().then(tell); // where the bar comes or goes, what is being pressed may move

  function letGo() {
    [held, pressedAt, awaits] = [null, -Infinity, false];
  }

  function stray() {
    letGo();
    strayed = true;
  }

  function sent() {
    letGo();
    awaits = true;
  }

  function pressed() {
    if (held) pressedAt = performance.now();
  }

  scroll.addEventListener("click", (event) => {
    if (!event.target.closest(PRESSED)) return;
    held = event.target.closest(".message")?.dataset.key ?? null;
    pressed();
  });
  // What was pressed may have opened a form: what comes after that is the answer.
  document.addEventListener("submit", pressed);
  document.addEventListener("click", (event) => event.target.closest("dialog") && pressed());
  for (const kind of ["wheel", "touchmove", "keydown"]) scroll.addEventListener(kind, stray, { passive: true });
  scroll.addEventListener("pointerdown", (event) => event.target === scroll && stray()); // its bar
  scroll.addEventListener("scroll", tellSoon, { passive: true });
  addEventListener("resize", tellSoon);
  const sizes = new ResizeObserver(tellSoon);
  for (const part of scroll.children) sizes.observe(part);
  below.addEventListener("click", () => {
    stray();
    moving(() => {
      scroll.scrollTop += onward(scroll);
      tell();
    });
  });

  function follow(what, draw) {
    const top = scroll.scrollTop;
    const came = shown !== what;
    if (came) letGo();
    if (came) strayed = false;
    shown = what;
    const atEnd = awaits || left() < NEAR || top === rest;
    const stood = node() && distance(scroll, node());
    const known = new Set(messagesIn(scroll).map((message) => message.dataset.key));
    draw();
    const messages = messagesIn(scroll);
    const stays = stood !== undefined && node();
    const fresh = messages.filter((message) => !known.has(message.dataset.key));
    if (fresh.length) awaits = false;
    const goes = messages.length > 0 && (came || (atEnd && !stays));
    const wanted = stays ? beside(stays, stood, fresh) : top;
    // What was decided may have shrunk: without room below it would slip down.
    scroll.style.paddingBottom = "";
    const missing = wanted + room() - scroll.scrollHeight;
    if (stays && missing > 0) scroll.style.paddingBottom = `${missing}px`;
    const begins = !messages.length && !strayed; // Home, or nothing said yet
    scroll.scrollTop = goes ? endOf(scroll, room()) : begins ? 0 : wanted;
    rest = goes ? scroll.scrollTop : null;
    if (came && showAsking(scroll)) rest = null;
    tell();
  }

  // Where to scroll to so that what was pressed stays where it stood, if what answers it is in sight then. A private
  // answer is shown whole; for the next card what was pressed leaves no further than it must.
  function beside(message, stood, fresh) {
    const holding = scroll.scrollTop + distance(scroll, message) - stood;
    if (performance.now() - pressedAt > ANSWERED_MS) return holding;
    const toMe = fresh.findLast((each) => each.matches(".private"));
    const answer = toMe ?? (answersAll ? fresh.at(-1) : fresh.find((each) => each.previousElementSibling === message));
    if (!answer) return holding;
    const begin = scroll.scrollTop + distance(scroll, answer);
    const whole = Math.min(begin, begin + answer.offsetHeight + BAR - room());
    const least = Math.max(scroll.scrollTop + distance(scroll, message), begin + BEGINNING - room());
    return Math.max(holding, toMe ? whole : Math.min(whole, least));
  }

  return { follow, sent };
}

function messagesIn(scroll) {
  return [...scroll.querySelectorAll(".message")].filter((message) => message.getClientRects().length);
}

// How far below the upper edge of the window a message begins.
function distance(scroll, message) {
  return message.getBoundingClientRect().top - scroll.getBoundingClientRect().top;
}

// To the beginning of the message that is cut off below; of one that is higher than the window to its end, at most a
// page at a time, so that nothing is passed over.
function onward(scroll) {
  const page = scroll.clientHeight - NEAR;
  const past = (message) => distance(scroll, message) + message.offsetHeight - scroll.clientHeight;
  const cut = messagesIn(scroll).find((message) => past(message) > 1);
  if (!cut) return page;
  const begin = distance(scroll, cut);
  const whole = Math.max(begin, past(cut));
  return Math.min(whole <= page || begin <= NEAR ? whole : begin, page);
}

// Goes to the last message that asks this person, if it is above the window; whether it was.
function showAsking(scroll) {
  const asking = messagesIn(scroll).findLast((message) => message.matches("[data-asks]"));
  if (!asking || distance(scroll, asking) + asking.offsetHeight > NEAR) return false;
  scroll.scrollTop += distance(scroll, asking);
  return true;
}

function endOf(scroll, room) {
  const last = messagesIn(scroll).at(-1);
  if (last.offsetHeight <= room) return scroll.scrollHeight;
  return scroll.scrollTop + distance(scroll, last);
}
