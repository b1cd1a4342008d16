// The overflow menu: a button with three dots that opens a list of options.

import { el, freshId, openable } from "./dom.js";
import { textOf } from "./text.js";
import { enter } from "./values.js";

/** An overflow menu. Arrow keys move in it, Escape closes it, choosing closes it and tells the page. */
export function overflow(element, field) {
  const menuId = freshId();
  const named = { id: field.id, "data-action-id": element.action_id, "aria-label": "More actions" };
  const roles = { "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": menuId };
  const opener = el("button", { type: "button", class: "bk-button bk-dots", ...named, ...roles }, "⋯");
  const choose = async (option) => {
    close();
    const href = openable(option.url ?? "");
    if ((await enter(field, option.value)) && href) field.ctx.open(href);
  };
  const items = (element.options ?? []).map((option) => item(option, () => choose(option)));
  const menu = el("div", { class: "bk-menu", role: "menu", id: menuId, hidden: true }, items);
  const node = el("span", { class: "bk-overflow" }, opener, menu);

  const open = () => {
    menu.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    menu.classList.remove("bk-menu-left");
    const room = node.closest(".bk-blocks").getBoundingClientRect().right;
    menu.classList.toggle("bk-menu-left", menu.getBoundingClientRect().right > room);
    items[0]?.focus();
  };
  const close = (focus = true) => {
    menu.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    if (focus) opener.focus();
  };
  const steps = { ArrowDown: (at) => at + 1, ArrowUp: (at) => at - 1, Home: () => 0, End: () => -1 };
  opener.addEventListener("click", () => (menu.hidden ? open() : close()));
  node.addEventListener("keydown", (event) => {
    if (menu.hidden) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation(); // closes the menu, not the modal around it
      close();
    } else if (event.key in steps) {
      event.preventDefault();
      const at = steps[event.key](items.indexOf(document.activeElement));
      items.at(at % items.length).focus();
    }
  });
  node.addEventListener("focusout", (event) => !node.contains(event.relatedTarget) && !menu.hidden && close(false));
  return node;
}

function item(option, choose) {
  const hint = textOf(option.description);
  const usual = { type: "button", class: "bk-menu-item", role: "menuitem", tabindex: "-1" };
  const node = el("button", { ...usual, onclick: choose }, textOf(option.text));
  if (hint) node.append(el("span", { class: "bk-hint" }, hint));
  return node;
}
