// Keeps a list of messages at its end while it grows, unless the person has scrolled away to read, or has pressed
// something in it: then what they pressed stays where it is, and a button leads to what came below.

import { moving } from "./settling.js";

const NEAR = 60;
const PRESSED = ".bk-button, .bk-menu-item";

/**
 * For a scrolling element, and the button below it that leads on: `follow(what, draw)` draws and then stays where one
 * was, or goes to the end. A last message that is higher than the window is shown from its beginning: nobody should
 * meet its buttons first. `letGo()` ends the holding of what was pressed.
 */
export function keepAtEnd(scroll, below) {
  let shown = null;
  let rest = null; // where it was left, if at the end
  let held = null; // the key of the message in which something was pressed last

  const letGo = () => (held = null);
  const node = () => messagesIn(scroll).find((message) => message.dataset.key === held);
  const tell = () => (below.hidden = !nextIn(scroll));

  scroll.addEventListener("click", (event) => {
    if (event.target.closest(PRESSED)) held = event.target.closest(".message")?.dataset.key ?? null;
  });
  for (const kind of ["wheel", "touchmove", "keydown"]) scroll.addEventListener(kind, letGo, { passive: true });
  scroll.addEventListener("pointerdown", (event) => event.target === scroll && letGo()); // its bar
  scroll.addEventListener("scroll", tell, { passive: true });
  addEventListener("resize", tell);
  below.addEventListener("click", () => {
    letGo();
    moving(() => (scroll.scrollTop += distance(scroll, nextIn(scroll) ?? messagesIn(scroll).at(-1))));
    tell();
  });

  function follow(what, draw) {
    const top = scroll.scrollTop;
    const atEnd = scroll.scrollHeight - top - scroll.clientHeight < NEAR || top === rest;
    if (shown !== what) letGo();
    const stood = node() && distance(scroll, node());
    draw();
    const stays = stood !== undefined && node();
    const goes = shown !== what || (atEnd && !stays && messagesIn(scroll).length > 0);
    const wanted = stays ? scroll.scrollTop + distance(scroll, node()) - stood : top;
    // What was decided may have shrunk: without room below it would slip down.
    scroll.style.paddingBottom = "";
    const missing = wanted + scroll.clientHeight - scroll.scrollHeight;
    if (stays && missing > 0) scroll.style.paddingBottom = `${missing}px`;
    scroll.scrollTop = goes ? endOf(scroll) : wanted;
    rest = goes ? scroll.scrollTop : null;
    shown = what;
    tell();
  }

  return { follow, letGo };
}

function messagesIn(scroll) {
  return [...scroll.querySelectorAll(".message")].filter((message) => message.getClientRects().length);
}

// How far below the upper edge of the window a message begins.
function distance(scroll, message) {
  return message.getBoundingClientRect().top - scroll.getBoundingClientRect().top;
}

// The first message that begins out of sight.
function nextIn(scroll) {
  return messagesIn(scroll).find((message) => distance(scroll, message) > scroll.clientHeight - NEAR);
}

function endOf(scroll) {
  const last = messagesIn(scroll).at(-1);
  if (!last) return 0; // Home, or nothing said yet
  if (last.offsetHeight <= scroll.clientHeight) return scroll.scrollHeight;
  return scroll.scrollTop + distance(scroll, last);
}
