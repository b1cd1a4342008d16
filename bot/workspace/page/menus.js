// Small menus that open from a button: the app's shortcuts, and whatever else a part of the page offers.

import { act } from "./acting.js";
import { el } from "./blockkit/dom.js";

let open = null;

function close({ refocus } = {}) {
  if (!open) return;
  const { menu, button } = open;
  open = null;
  menu.remove();
  button.setAttribute("aria-expanded", "false");
  if (refocus) button.focus();
}

addEventListener("click", (event) => {
  if (open && !open.menu.contains(event.target) && !open.button.contains(event.target)) close();
});

/**
 * A button that opens a menu. `content()` makes the menu's nodes each time; what is pressed in it closes it. `role` is
 * `menu` for a list of things to do, or `dialog` for anything else.
 */
export function menuButton(attributes, face, content, role = "menu") {
  const button = el("button", { type: "button", "aria-haspopup": role, "aria-expanded": "false", ...attributes }, face);
  button.addEventListener("click", () => openBeside(button, content, role));
  return button;
}

/** Opens such a menu beside whatever was pressed; where it is open already, closes it. */
export function openBeside(button, content, role) {
  const wasOpen = open?.button === button;
  close();
  if (!wasOpen) show(button, content, role);
}

function show(button, content, role) {
  const label = button.getAttribute("aria-label") || button.textContent;
  const menu = el("div", { class: "menu", role, "aria-label": label, tabindex: "-1" });
  menu.append(...content(() => close({ refocus: true })));
  menu.addEventListener("keydown", (event) => moveIn(menu, event));
  // In the body, so that no scrolling part of the page cuts it off.
  document.body.append(menu);
  placeBeside(menu, button);
  open = { menu, button };
  button.setAttribute("aria-expanded", "true");
  (menu.querySelector("button, input, select") ?? menu).focus();
}

function placeBeside(menu, button) {
  const at = button.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - size.width - 8));
  const below = at.bottom + 4;
  const top = below + size.height < innerHeight - 8 ? below : Math.max(8, at.top - size.height - 4);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
}

function moveIn(menu, event) {
  if (event.key === "Escape") {
    event.stopPropagation();
    close({ refocus: true });
  }
  if (menu.getAttribute("role") !== "menu" || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll("[role=menuitem]")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  items.at((items.indexOf(document.activeElement) + step) % items.length)?.focus();
}

/** One thing to do in a menu; in a dialogue it is a plain button. */
export function menuItem(label, note, onclick, role = "menuitem") {
  const text = note ? el("span", { class: "muted" }, note) : null;
  return el("button", { type: "button", class: "menu-item", role, onclick }, el("b", {}, label), text);
}

/** The button with the app's shortcuts for a message, or null where it has none. */
export function shortcutMenu(look, kind, target) {
  const shortcuts = look.app.shortcuts.filter((shortcut) => shortcut.kind === kind);
  if (!shortcuts.length) return null;
  const content = (done) =>
    shortcuts.map(({ name, description, callback_id }) =>
      menuItem(name, description || look.app.real_name, () => {
        done();
        act("message_shortcut", { ...target, callback_id });
      }),
    );
  return menuButton({ class: "tool", "aria-label": "More actions", title: "More actions" }, "⋮", content);
}
