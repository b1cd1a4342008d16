// Asks the workspace what one person sees, again after every change, and acts as that person.

import { pressOver } from "./pressing.js";

const RETRY_MS = 2000;

/**
 * Watches the workspace. `where()` names the person and the conversation to look at: {person, channel}.
 * `onLook(look)` gets each new look, null where nobody is called so, and never while something is being pressed;
 * `onGone(isGone)` is told when the workspace stops answering, and when it is back. Returns `refresh()`, which looks
 * again at once.
 */
export function watch({ where, onLook, onGone }) {
  let running = null;
  let again = false;

  async function fetchOnce() {
    const { person, channel } = where();
    const query = new URLSearchParams({ person, channel });
    const answer = await fetch(`/control/look?${query}`);
    const look = answer.ok ? await answer.json() : null;
    await pressOver();
    const now = where();
    const switched = now.person !== person || now.channel !== channel;
    return switched ? undefined : look;
  }

  async function run() {
    try {
      do {
        again = false;
        const look = await fetchOnce().catch(gone);
        if (look !== undefined) onLook(look);
      } while (again);
    } finally {
      running = null;
    }
  }

  function gone() {
    onGone(true); // the stream notices when it is back
  }

  // One look at a time: changes that come while it is under way are seen by the next one.
  function refresh() {
    again = true;
    running ??= run();
    return running;
  }

  function connect() {
    const stream = new EventSource("/control/stream");
    stream.onmessage = () => {
      onGone(false);
      refresh();
    };
    // The browser connects again by itself, unless somebody else answers at this address meanwhile.
    stream.onerror = () => {
      onGone(true);
      if (stream.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
    };
  }

  connect();
  return refresh;
}

/** A refusal by the workspace itself; its message is for the person. `isGone`: what they acted on is not there now. */
export class Refused extends Error {
  constructor({ error, gone = false }) {
    super(error);
    this.isGone = gone;
  }
}

/** POSTs JSON to the control API and returns its answer. Throws Refused, or TypeError when nobody answers. */
export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`/control/${path}`, { method: "POST", headers, body: JSON.stringify(body), keepalive: path === "act" });
  const text = await answer.text();
  if (!answer.ok) throw new Refused(refusalIn(text));
  return JSON.parse(text);
}

function refusalIn(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { error: text };
  }
}
