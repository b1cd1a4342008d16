// The field in which one writes: messages, replies and slash commands, with completion.

import { act } from "./acting.js";
import { el } from "./blockkit/dom.js";
import { attachCompletion } from "./completion.js";
import { menuButton, menuItem } from "./menus.js";
import { toast } from "./toasts.js";

/**
 * Makes a composer in `host`. `where()` is {channel, thread, label, sent, closed}: where a message goes, what the field
 * is called, who is told that something was sent, and why nobody can write there, if so. Returns {update(look), put(text)}.
 */
export function makeComposer(host, id, where) {
  let look = null;
  let shown = null;
  let fitted = null;

  const field = el("textarea", { id, rows: "1", enterkeyhint: "send", autocomplete: "off", spellcheck: "false" });
  const label = el("label", { class: "unseen", for: id });
  const plus = menuButton({ class: "plain round", "aria-label": "Shortcuts and commands", title: "Shortcuts and commands" }, "+", menu);
  const button = el("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send (Enter)" }, "➤");
  const list = el("ul", { id: `${id}-list`, class: "completions", role: "listbox", "aria-label": "Suggestions", hidden: true });
  const form = el("form", { inert: true }, label, list, plus, field, button);
  const closed = el("p", { class: "composer-closed", hidden: true });
  host.replaceChildren(form, closed);
  const completion = attachCompletion(field, list, () => look);

  field.addEventListener("input", fit);
  field.addEventListener("input", keep);
  addEventListener("resize", fit);
  field.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });

  // As high as its text, up to a limit that the style sheet sets.
  function fit() {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
  }

  // Drafts are this window's own, and outlive a reload.
  function keep() {
    if (shown) sessionStorage.setItem(`draft ${shown}`, field.value);
  }

  function put(text) {
    field.value = text;
    fit();
    keep();
    completion.update();
    field.focus();
  }

  async function send() {
    const text = field.value;
    if (!text.trim()) return;
    const { channel, thread, sent } = where();
    const [, command, rest = ""] = text.match(/^(\/\S*)\s*([^]*)$/) ?? [];
    if (command && thread) {
      toast(`${command} cannot be used in a thread. Type it in the channel.`);
      return;
    }
    put("");
    sent();
    completion.close();
    const outcome = command
      ? await act("command", { channel, command, text: rest })
      : await act("post", { channel, thread: thread || null, text: text.trim() });
    const lost = outcome === null || outcome.refused;
    if (lost && !field.value) put(text);
    if (!lost && !command) tellUnheard(text, channel);
  }

  // Slack asks whether to invite an app that is mentioned where it is not; here it is enough to know.
  function tellUnheard(text, channel) {
    const here = look.channels.find(({ name, kind }) => name === channel && kind !== "im");
    if (!here || here.has_app || !text.includes(`@${look.app.name}`)) return;
    const there = look.channels.filter(({ has_app, kind }) => has_app && kind !== "im").map(({ name }) => `#${name}`);
    toast(`${look.app.real_name} is not in #${channel} and did not hear that. It is in ${there.join(", ")}.`);
  }

  function menu(done) {
    const shortcuts = look.app.shortcuts.filter((shortcut) => shortcut.kind === "global");
    const use = (callback_id) => () => {
      done();
      act("shortcut", { callback_id });
    };
    const type = (command) => () => {
      done();
      put(`${command} `);
    };
    const items = [
      ...shortcuts.map(({ name, description, callback_id }) => menuItem(`⚡ ${name}`, description, use(callback_id))),
      ...look.app.commands.map(({ name, description }) => menuItem(name, description, type(name))),
    ];
    const none = `${look.app.real_name} has no shortcuts or commands for people of other teams.`;
    return items.length ? items : [el("p", { class: "menu-title" }, none)];
  }

  function update(newLook) {
    look = newLook;
    const place = where();
    const key = JSON.stringify([look.me.id, place.channel, place.thread]);
    if (key !== shown) {
      shown = key;
      field.value = sessionStorage.getItem(`draft ${key}`) ?? "";
      completion.close();
    }
    if (key !== fitted && form.getClientRects().length) {
      fitted = key; // where it is hidden, as beside a Home, it has no height
      fit();
    }
    label.textContent = place.label;
    field.placeholder = place.label;
    form.inert = false; // until the first look nobody knows where a message would go
    form.hidden = Boolean(place.closed);
    closed.hidden = !place.closed;
    closed.textContent = place.closed ?? "";
  }

  return { update, put };
}
