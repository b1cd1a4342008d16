// What to do first, for somebody who has never seen this page. It goes away for good, and comes back with the button.

import { el } from "./blockkit/dom.js";
import { addressOf, go, place } from "./place.js";
import { moving } from "./settling.js";

const SEEN = "hint-closed";
const GUEST = "Guest";
const section = document.getElementById("hint");
let examples = [];
let asked = false; // with the button: then it stands here too

/** Lets the hint be closed and brought back. `put(text)` writes into the composer. */
export function makeHint(put) {
  document.getElementById("show-hint").addEventListener("click", () => show(section.hidden || !isInSight()));
  section.addEventListener("click", (event) => {
    const wanted = event.target.closest("[data-put]");
    if (wanted) put(examples[wanted.dataset.put]);
    const there = event.target.closest("[data-go]");
    if (there) go({ in: there.dataset.go, thread: "", tab: "messages" });
    if (event.target.closest("[data-close]")) show(false);
  });
}

// Whether its beginning is: of a guide that is cut off above nobody knows what it is.
function isInSight() {
  const { top } = section.getBoundingClientRect();
  const around = document.getElementById("scroll").getBoundingClientRect();
  return top >= around.top && top < around.bottom;
}

function show(visible) {
  moving(() => (section.hidden = !visible));
  asked = visible;
  if (visible) {
    localStorage.removeItem(SEEN);
    section.scrollIntoView({ block: "start" });
    section.querySelector("button")?.focus({ preventScroll: true });
  } else {
    localStorage.setItem(SEEN, "yes");
    document.getElementById("show-hint").focus();
  }
}

/** Draws the hint for this person: in the channel one begins in, and wherever it is asked for. It stays as it is while its words would be the same. */
export function drawHint(look, isHome) {
  const first = look.channels.find((channel) => channel.kind !== "im" && channel.member);
  const here = asked || look.open === first?.id;
  section.hidden = isHome || !here || localStorage.getItem(SEEN) !== null;
  const commands = look.app.commands.flatMap(({ name, examples: given }) => given.map(({ text, shows }) => ({ text: `${name} ${text}`, shows })));
  examples = commands.map(({ text }) => text);
  const calling = look.channels.filter((channel) => channel.for_me && channel.kind !== "im" && channel.name !== place.in).map(({ name }) => name);
  const other = look.people.find((person) => person.id !== look.me.id);
  const waits = look.people.some((person) => person.id === look.me.id && person.waiting);
  const stamp = JSON.stringify([look.me.id, commands, calling, waits, other.name]);
  if (section.dataset.stamp === stamp) return;
  section.dataset.stamp = stamp;
  section.replaceChildren(
    el("h2", {}, `You are ${look.me.real_name}${look.me.from ? ` (${look.me.from})` : ""}. Try this:`),
    el(
      "ol",
      {},
      calling.length ? el("li", {}, waits ? "Something waits for you: " : "Something is new for you: ", calling.map((name) => el("button", { type: "button", class: "button", "data-go": name }, `Go to #${name}`))) : null,
      beginning(look, commands),
      el("li", {}, "The number beside a person, at the top, is how many things wait for them: click the person to be them."),
      el("li", {}, "Nobody answers? Move the clock at the top: after four hours it times out."),
      el("li", {}, "Two people at once: ", el("a", { href: addressOf({ as: other.name }), target: "_blank", rel: "noopener" }, `open a second window as ${other.real_name}`), "."),
    ),
    el("p", { class: "muted" }, invented(look)),
    el("p", { class: "muted" }, "No mail is really sent and nothing really bought: mails, purchases and reports are files in the demo's own folder, which the terminal it was started in names. Only the agent ops is no play: once approved, its commands really run on this machine, as your own user, beginning in that folder's sandbox. Unless you gave the agents a model, they send nothing anywhere."),
    el("button", { type: "button", class: "button", "data-close": true }, "Close"),
  );
}

// Whoever may use the app's commands starts an agent; others watch those who do.
function beginning(look, commands) {
  if (!look.app.commands.length)
    return el("li", {}, `${look.me.real_name} is from ${look.me.from} and sees what both companies share: no card asks them, and they start nothing. To do so, be somebody else, at the top.`);
  if (look.me.from === GUEST) return el("li", {}, `${look.me.real_name} is a guest: guests may read here, but start no agent and decide nothing. To do so, be somebody else, at the top.`);
  if (!commands.length) return el("li", {}, "Type ", el("code", {}, look.app.commands[0].name), " and send it.");
  const [example, ...others] = commands.map(offer);
  return el(
    "li",
    {},
    "Send ", ...example,
    others.length ? el("details", {}, el("summary", {}, `Or try one of ${others.length} other agents`), el("ul", {}, others.map((each) => el("li", {}, each)))) : null,
  );
}

function offer({ text, shows }, index) {
  const put = el("button", { type: "button", class: "button", "data-put": String(index) }, "Write it for me");
  return [el("code", {}, text), shows ? el("span", { class: "shows" }, shows) : null, put];
}

// Whose workspace this is, for whoever wonders about a name.
function invented({ team, people }) {
  const guests = people.filter(({ from }) => from === GUEST).map(({ real_name }) => `${real_name} is a guest.`);
  const partners = people.filter(({ from }) => from && from !== GUEST).map(({ real_name, from }) => `${real_name} is of another company, ${from}, which shares a channel with it.`);
  return [`${team} and everybody in it are invented.`, ...guests, ...partners].join(" ");
}
