// Keeps an impatient click from deciding what nobody has read. A button that has only just come, or come to another
// place, takes no click for a moment: whoever clicks there meant what stood there before.

import { toast } from "./toasts.js";

const SETTLES_MS = 800;
const MOVED_PX = 4;
const GUARDED = ".bk-button, .bk-menu-item, .message :is(a, button), #modal [type=submit], #confirm [value=yes]";
const WHY = "What you clicked had only just come to that place: nothing was pressed. Read it, then press it.";

const due = new WeakMap(); // button -> when it takes clicks again, by performance.now()
const pressed = new WeakSet(); // those that wait because they were clicked themselves

/**
 * Makes clicks on buttons that have only just come do nothing but say why, and double clicks count once. Keys go to
 * what has the focus, and that never moves to another card.
 */
export function guardClicks() {
  addEventListener("click", guard, { capture: true });
}

function guard(event) {
  const button = event.target.closest?.(GUARDED);
  if (!button || !event.detail) return;
  const isRefused = isSettling(button);
  if (isRefused) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!pressed.has(button)) toast(WHY);
  } else {
    pressed.add(button);
  }
  settle(button); // who hammers on it never gets through
}

function isSettling(button) {
  return performance.now() < (due.get(button) ?? 0);
}

/** Does something that may move or make buttons, and lets those settle. */
export function moving(change) {
  const before = places();
  const result = change();
  for (const [button, place] of places()) {
    const was = before.get(button);
    if (!was || Math.abs(was.x - place.x) > MOVED_PX || Math.abs(was.y - place.y) > MOVED_PX) arrive(button);
  }
  return result;
}

// Where every button that can be clicked now stands in the window; below an open dialogue none can.
function places() {
  const top = document.querySelector("#confirm[open]") ?? document.querySelector("dialog[open]") ?? document;
  const shown = [...top.querySelectorAll(GUARDED)].filter((button) => button.getClientRects().length);
  return new Map(shown.map((button) => [button, button.getBoundingClientRect()]));
}

function arrive(button) {
  pressed.delete(button);
  settle(button);
}

// Told to everybody, so that whoever presses by program, or by voice, waits as well.
function settle(button) {
  due.set(button, performance.now() + SETTLES_MS);
  button.setAttribute("aria-disabled", "true");
  setTimeout(() => isSettling(button) || button.removeAttribute("aria-disabled"), SETTLES_MS + 10);
}
