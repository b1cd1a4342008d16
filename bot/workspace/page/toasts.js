// Short private notices: what Slack itself tells a person, for example that the app did not answer.

import { el } from "./blockkit/dom.js";

const SHOWN_MS = 12_000;

/** Shows a line to the person at this page. It goes away by itself, or when they close it, and is never there twice. */
export function toast(text) {
  const host = document.getElementById("toasts");
  for (const same of [...host.children].filter((each) => each.firstElementChild.textContent === text)) same.remove();
  const close = el("button", { type: "button", class: "plain round", "aria-label": "Close this notice" }, "✕");
  const node = el("p", { class: "toast" }, el("span", {}, text), close);
  close.addEventListener("click", () => node.remove());
  host.append(node);
  // Shown anew, it lies above a modal that was opened after it.
  if (host.matches(":popover-open")) host.hidePopover();
  host.showPopover();
  setTimeout(() => node.remove(), SHOWN_MS);
}

/** What Slack says about an error of the app: `about` is a command, or names an action. */
export function sentenceOf({ code, about }, app) {
  const command = about.startsWith("/");
  if (code === "not_a_command")
    return `${about} is not a command here. To send it as a message, put a space before the slash.`;
  if (code === "operation_timeout")
    return command
      ? `${about} failed with the error “operation_timeout”: ${app} did not answer within 3 seconds.`
      : `${app} did not answer within 3 seconds (operation_timeout). Try again.`;
  return command
    ? `${about} failed with the error “${code}”: ${app} could not be reached, or answered with an error.`
    : `${app} could not be reached, or answered with an error (${code}). Try again.`;
}

let seen = null;

/** Tells the errors that are new since the last look at the same person, and takes away what was told to another. */
export function tellErrors(look) {
  const { errors, me, app } = look;
  if (seen?.person === me.id) {
    for (const error of errors.slice(seen.count)) toast(sentenceOf(error, app.real_name));
  } else if (seen) {
    document.getElementById("toasts").replaceChildren(); // they were for somebody else
  }
  seen = { person: me.id, count: errors.length };
}
