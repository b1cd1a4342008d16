// Draws a list so that only what changed is drawn anew: what somebody types into, or has the focus on, stays.

const FOCUSABLE = "a[href], button, input, select, textarea, [tabindex]";

/**
 * Makes `parent` show `items` in order. Each has a `key`, a `stamp` that differs whenever it must be drawn anew, and
 * `draw()`, which makes its node.
 */
export function drawKeyed(parent, items) {
  const present = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let position = parent.firstElementChild;
  for (const { key, stamp, draw } of items) {
    const old = present.get(key);
    present.delete(key);
    const node = old?.dataset.stamp === stamp ? old : redrawn(old, key, stamp, draw);
    if (old && old === position) position = node;
    if (node === position) position = position.nextElementSibling;
    else parent.insertBefore(node, position);
  }
  for (const node of present.values()) node.remove();
}

function redrawn(old, key, stamp, draw) {
  const node = draw();
  node.dataset.key = key;
  node.dataset.stamp = stamp;
  if (old) replaceKeepingFocus(old, node);
  return node;
}

/** Puts `node` where `old` was. The focus goes to the control that is called the same, else to the new node itself. */
export function replaceKeepingFocus(old, node) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(node);
  if (!focused) return;
  const same = [...node.querySelectorAll(FOCUSABLE)].find((control) => nameOf(control) === nameOf(focused));
  (same ?? node).focus({ preventScroll: true });
}

function nameOf(control) {
  return control.dataset.actionId ?? control.dataset.replies ?? control.getAttribute("aria-label") ?? control.textContent;
}
