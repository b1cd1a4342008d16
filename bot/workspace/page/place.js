// Where one is: who, which conversation, which thread. It stands in the address, so that a window can be opened for
// each person, and Back works.

const DEFAULTS = { as: "ana", in: "general", tab: "messages", thread: "" };

export const place = read();

function read() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(Object.entries(DEFAULTS).map(([key, value]) => [key, query.get(key) || value]));
}

/** The address of this page with some parts of the place changed. */
export function addressOf(changes) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...place, ...changes })) {
    if (value !== DEFAULTS[key] || key === "as") query.set(key, value);
  }
  return `?${query}`;
}

const listeners = [];

/** Calls `listener` after each change of the place. */
export function onMove(listener) {
  listeners.push(listener);
}

/** Goes somewhere: `go({in: "random"})`. With `quietly`, Back does not lead to where one was. */
export function go(changes, { quietly = false } = {}) {
  const address = addressOf(changes);
  Object.assign(place, changes);
  history[quietly ? "replaceState" : "pushState"](null, "", address);
  for (const listener of listeners) listener();
}

addEventListener("popstate", () => {
  Object.assign(place, read());
  for (const listener of listeners) listener();
});
