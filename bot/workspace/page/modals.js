// The modal in front of the person: the app's form. What is typed stays when the app changes the form meanwhile.

import { act, contextOf } from "./acting.js";
import { renderBlocks } from "./blockkit/blocks.js";
import { el } from "./blockkit/dom.js";
import { sentenceOf } from "./toasts.js";

const SENDING_MS = 150;

const dialog = document.getElementById("modal");
let shown = null; // what stands there: a stamp
let view = null;
let look = null;
let drafts = {}; // block -> action -> what the workspace does not know yet
let timer = null;
let mended = new Set(); // blocks with an error that the person has changed since
let refused = null; // what Slack's own client found wrong: the app was never asked, so no look has it
let opener = null; // where the focus was
let lookAgain = () => {};

/** Lets modals ask for a new look at the workspace. */
export function makeModals(refresh) {
  lookAgain = refresh;
}

/** Draws the topmost modal of the look, or closes the dialogue when there is none. */
export function drawModal(newLook) {
  look = newLook;
  const top = look.modals.at(-1);
  if (!top) return hide();
  const other = view?.id !== top.id;
  if (other) [drafts, refused, mended] = [{}, null, new Set()];
  const errors = refused ?? top.errors;
  const stamp = JSON.stringify([look.me.id, top.id, top.hash, errors]);
  if (stamp === shown) return undefined;
  // The redrawn form shows what the workspace knows, so that has to be everything: this is called again after it.
  if (Object.keys(drafts).length) return sendDrafts().then(lookAgain);
  view = top;
  shown = stamp;
  return draw(Object.fromEntries(Object.entries(errors).filter(([block]) => !mended.has(block))), other);
}

function draw(errors, focusFirst) {
  const values = view.values;
  const target = { view: view.id };
  const context = contextOf(look, "modal", target, { values, errors, entered: takeDrafts, keep });
  const focused = focusFirst ? null : document.activeElement?.closest("[data-action-id]")?.dataset.actionId;
  dialog.replaceChildren(
    el(
      "form",
      { novalidate: true, onsubmit: submit, "data-view": view.id, "data-callback-id": view.callback_id },
      el("header", { class: "modal-head" }, el("h2", { id: "modal-title" }, view.title), closeButton("plain round", "✕", { "aria-label": "Close" })),
      el("div", { class: "modal-body" }, renderBlocks(view.blocks, context)),
      el("p", { class: "modal-error", role: "alert", hidden: true }),
      el(
        "footer",
        { class: "modal-foot" },
        closeButton("button", view.close || "Cancel"),
        view.submit ? el("button", { type: "submit", class: "button primary" }, view.submit) : null,
      ),
    ),
  );
  if (!dialog.open) {
    opener = document.activeElement;
    dialog.showModal();
  }
  focusOn(errors, focused);
}

function focusOn(errors, focused) {
  const body = dialog.querySelector(".modal-body");
  const wrong = Object.keys(errors)[0];
  const block = wrong && body.querySelector(`[data-block-id="${CSS.escape(wrong)}"]`);
  const same = focused && body.querySelector(`[data-action-id="${CSS.escape(focused)}"]`);
  const field = "input, textarea, select";
  const first = block?.querySelector(field) ?? same ?? body.querySelector(field) ?? dialog.querySelector(".primary");
  (first ?? dialog.querySelector("button")).focus();
}

function closeButton(style, face, more = {}) {
  return el("button", { type: "button", class: style, onclick: cancel, ...more }, face);
}

function hide() {
  clearTimeout(timer);
  [view, shown, drafts, refused] = [null, null, {}, null];
  if (!dialog.open) return;
  dialog.close();
  if (opener?.isConnected) opener.focus({ preventScroll: true });
}

function keep(block, action, value) {
  drafts[block] = { ...drafts[block], [action]: value };
  takeBackError(block);
  clearTimeout(timer);
  timer = setTimeout(sendDrafts, SENDING_MS);
}

// What was wrong is being mended: whether it is right now is told when the form is sent again.
function takeBackError(block) {
  mended.add(block);
  const field = dialog.querySelector(`[data-block-id="${CSS.escape(block)}"]`);
  for (const error of field?.querySelectorAll(".bk-error") ?? []) error.remove();
  for (const wrong of field?.querySelectorAll("[aria-invalid]") ?? []) wrong.removeAttribute("aria-invalid");
}

function takeDrafts() {
  clearTimeout(timer);
  const taken = drafts;
  drafts = {};
  return taken;
}

function sendDrafts() {
  return act("enter", { view: view.id, entered: takeDrafts() });
}

async function submit(event) {
  event.preventDefault();
  const button = dialog.querySelector("[type=submit]");
  if (!view || !button || button.disabled) return;
  const sent = view.id;
  button.disabled = true;
  mended = new Set();
  const outcome = await act("submit", { view: sent, entered: takeDrafts() });
  button.disabled = false;
  if (outcome?.error) tell(sentenceOf({ code: outcome.error, about: view?.title ?? "" }, look.app.real_name));
  refused = outcome && !outcome.delivered ? outcome.errors : null;
  if (refused) shown = null;
  lookAgain();
}

function tell(sentence) {
  const line = dialog.querySelector(".modal-error");
  if (!line) return;
  line.textContent = sentence;
  line.hidden = false;
}

function cancel() {
  if (view) act("close", { view: view.id });
}

// What was typed a moment ago is not lost with the page.
addEventListener("pagehide", () => view && Object.keys(drafts).length && sendDrafts());

// Esc closes it through the workspace, so that the app is told and what lies below appears.
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  cancel();
});
