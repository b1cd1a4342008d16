// The dialogue that asks before a button does something: Block Kit's confirm object.

import { el } from "./blockkit/dom.js";
import { textOf } from "./blockkit/text.js";
import { moving } from "./settling.js";

/** Asks; true if the person went on. */
export function confirm({ title, text, confirm: yes, deny: no, style } = {}) {
  const dialog = document.getElementById("confirm");
  const answer = (event) => {
    event.preventDefault();
    moving(() => dialog.close(event.submitter.value));
  };
  const look = style === "danger" ? "danger" : "primary";
  dialog.replaceChildren(
    el(
      "form",
      { onsubmit: answer },
      el("header", { class: "modal-head" }, el("h2", { id: "confirm-title" }, textOf(title) || "Are you sure?")),
      el("div", { class: "modal-body" }, el("p", { class: "as-typed" }, textOf(text))),
      el(
        "footer",
        { class: "modal-foot" },
        el("button", { type: "submit", value: "no", class: "button" }, textOf(no) || "Cancel"),
        el("button", { type: "submit", value: "yes", class: `button ${look}` }, textOf(yes) || "Yes"),
      ),
    ),
  );
  dialog.returnValue = "no";
  moving(() => dialog.showModal());
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
