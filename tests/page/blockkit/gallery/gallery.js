// Draws blocks that a test gives, and keeps what the blocks tell the page.

import { renderBlocks, renderMrkdwn, renderText } from "/page/blockkit/blocks.js";

const people = [
  { id: "U0ANA00001", name: "ana", real_name: "Ana Duarte" },
  { id: "U0MARIA001", name: "maria", real_name: "Maria Lindqvist" },
  { id: "U0TOM00001", name: "tom", real_name: "Tom Okafor" },
];
const channels = [{ id: "C0GENERAL1", name: "general" }, { id: "C0FINANCE1", name: "finance" }];
const found = ["Lisbon", "London", "Lima", "Oslo"].map((name) => ({
  text: { type: "plain_text", text: name }, value: name.toLowerCase(),
}));

export const told = { acts: [], entered: [], opened: [], confirmed: [] };
let release = [];

function context(more) {
  return {
    surface: "message",
    me: "U0ANA00001",
    names: {
      users: Object.fromEntries(people.map((each) => [each.id, each.name])),
      channels: Object.fromEntries(channels.map((each) => [each.id, each.name])),
      groups: { S0FINANCE1: "finance", S0BOARD001: "board" },
      mine: ["S0FINANCE1"],
    },
    zone: "Europe/Berlin",
    now: Date.UTC(2026, 10, 21, 12, 0),
    values: {},
    errors: {},
    act: (block, action, element) => {
      told.acts.push([block, action, element]);
      return new Promise((resolve) => release.push(resolve));
    },
    enter: (block, action, value, dispatches) => told.entered.push([block, action, value, dispatches]),
    confirm: (question) => {
      told.confirmed.push(question);
      return Promise.resolve(more.answer ?? true);
    },
    options: (block, action, query) =>
      Promise.resolve(found.filter((each) => each.value.includes(query.toLowerCase()))),
    people,
    channels,
    open: (url) => told.opened.push(url),
    ...more,
  };
}

window.told = told;
window.release = () => {
  release.forEach((resolve) => resolve());
  release = [];
};
window.until = async (kind, count) => {
  const started = performance.now();
  while (told[kind].length < count) {
    if (performance.now() - started > 3000) throw new Error(`${kind}: ${told[kind].length}, not ${count}`);
    await new Promise(requestAnimationFrame);
  }
};
window.draw = (blocks, more = {}) => {
  for (const list of Object.values(told)) list.length = 0;
  document.getElementById("stage").replaceChildren(renderBlocks(blocks, context(more)));
};
window.drawMrkdwn = (text, more = {}) => {
  const line = document.createElement("div");
  line.className = "bk-text";
  line.append(renderMrkdwn(text, context(more)));
  document.getElementById("stage").replaceChildren(line);
};
window.drawText = (object) => document.getElementById("stage").replaceChildren(renderText(object, context({})));
document.body.dataset.ready = "yes";
