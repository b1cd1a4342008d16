// Lets a press arrive. A browser sends no click where what is pressed was drawn anew, or moved away, before the pointer
// is up again, or the space bar: nobody would know that nothing was pressed. So nothing is drawn until then.

const PRESSED = "a, button, input, label, summary, [role=button]";
const TAP_MS = 100; // within so long after a finger is up comes its click; that of a mouse comes at once
const PAUSE_MS = 20;
const LONGEST_MS = 5000; // who holds it for longer means no click, or the browser never said that it is up

let heldUntil = 0; // by performance.now()

/** Begins to notice presses. */
export function watchPresses() {
  const watched = { capture: true };
  addEventListener("pointerdown", began, watched);
  addEventListener("keydown", (event) => event.key === " " && !event.repeat && began(event), watched);
  addEventListener("pointerup", ended, watched);
  addEventListener("pointercancel", ended, watched);
  addEventListener("keyup", ended, watched);
}

function began(event) {
  if (event.target.closest?.(PRESSED)) heldUntil = performance.now() + LONGEST_MS;
}

function ended(event) {
  const more = event.pointerType === "touch" ? TAP_MS : 0;
  heldUntil = Math.min(heldUntil, performance.now() + more);
}

/** Waits while something is pressed, for 5 seconds at most. */
export async function pressOver() {
  while (performance.now() < heldUntil) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
