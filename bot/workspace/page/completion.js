// Suggestions while one writes: commands with their hints, what may follow them, people and channels.

import { el } from "./blockkit/dom.js";

/** Attaches suggestions to a field. `look()` is the present look. Returns {update(), close()}. */
export function attachCompletion(field, list, look) {
  let found = [];
  let chosen = -1;

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "false");

  function update() {
    const before = field.value.slice(0, field.selectionStart);
    found = document.activeElement === field && look() ? suggestions(before, look()) : [];
    // Where Enter should send what was typed, nothing is chosen until an arrow key does.
    chosen = found.length && found[0].eager ? 0 : -1;
    draw();
  }

  function close() {
    found = [];
    draw();
  }

  function draw() {
    list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(Boolean(found.length)));
    list.replaceChildren(...found.map(option));
    const active = list.children[chosen];
    if (active) field.setAttribute("aria-activedescendant", active.id);
    else field.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  function option({ label, note, hint }, index) {
    const parts = [el("b", {}, label), hint ? el("span", { class: "hint-words" }, hint) : null, note ? el("span", { class: "muted" }, note) : null];
    const node = el("li", { id: `${list.id}-${index}`, role: "option", "aria-selected": String(index === chosen) }, parts);
    // Before the field loses the focus to the click.
    node.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      accept(index);
    });
    return node;
  }

  function accept(index) {
    const { text, replaces } = found[index];
    const caret = field.selectionStart;
    field.setRangeText(text, caret - replaces, caret, "end");
    field.dispatchEvent(new Event("input"));
  }

  field.addEventListener("input", update);
  field.addEventListener("click", update);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (!found.length || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) chosen = (chosen + step + found.length + (chosen < 0 && step < 0 ? 1 : 0)) % found.length;
    else if (event.key === "Tab" && !event.shiftKey) accept(Math.max(chosen, 0));
    else if (event.key === "Enter" && chosen >= 0 && !event.shiftKey) accept(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    if (step) draw();
  });

  return { update, close };
}

/** What may be meant by the text before the caret; each with `text`, which replaces so many letters before it. */
export function suggestions(before, look) {
  const command = before.match(/^\/\S*$/);
  if (command) return commands(command[0], look);
  const after = before.match(/^(\/\S+) ([^]*)$/);
  if (after) return afterCommand(after[1], after[2], look);
  const name = before.match(/(?:^|\s)([@#])([a-z0-9._-]*)$/i);
  return name ? names(name[1], name[2].toLowerCase(), look) : [];
}

function commands(typed, look) {
  return look.app.commands
    .filter(({ name }) => name.startsWith(typed))
    .map(({ name, usage_hint, description }) => ({
      label: name, hint: usage_hint, note: description, text: `${name} `, replaces: typed.length, eager: name !== typed,
    }));
}

function afterCommand(name, typed, look) {
  const command = look.app.commands.find((each) => each.name === name);
  if (!command) return [];
  const words = wordsOf(command.usage_hint).map((words) => ({ words, text: plainOf(words) }));
  const examples = command.examples.map(({ text }) => ({ words: text, text }));
  return [...examples, ...words]
    .filter(({ text }) => text.startsWith(typed) && text.trim() !== typed.trim())
    .map(({ words, text }) => ({ label: `${name} ${words}`, text, replaces: typed.length, eager: false }));
}

/** The alternatives of a usage hint that begin with a word to type: `[NAME | list | status RUN]` has two. */
function wordsOf(hint) {
  return hint.replace(/^\[|\]$/g, "").split("|").map((each) => each.trim()).filter((each) => /^[a-z]/.test(each));
}

/** What one types of `status RUN`: the words in small letters, and a space where something must follow. */
function plainOf(words) {
  const typed = words.split(" ").filter((word) => /^[a-z]/.test(word)).join(" ");
  return typed === words ? typed : `${typed} `;
}

function names(sign, typed, look) {
  const people = look.people.map(({ name, real_name }) => ({ name, note: real_name }));
  const app = { name: look.app.name, note: look.app.real_name };
  const groups = Object.values(look.groups).map((name) => ({ name, note: "User group" }));
  const channels = look.channels.filter(({ kind }) => kind !== "im").map(({ name, purpose }) => ({ name, note: purpose }));
  return (sign === "@" ? [app, ...people, ...groups] : channels)
    .filter(({ name }) => name.startsWith(typed))
    .map(({ name, note }) => ({
      label: sign + name, note, text: `${sign}${name} `, replaces: typed.length + 1, eager: true,
    }));
}
