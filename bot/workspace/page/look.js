// Asks the workspace what one person sees, again after every change, and acts as that person.

/**
 * Watches the workspace. `where()` names the person and the conversation to look at: {person, channel}.
 * `onLook(look)` gets each new look; `onGone(isGone)` is told when the workspace stops answering, and when it is back.
 * Returns `refresh()`, which looks again at once.
 */
export function watch({ where, onLook, onGone }) {
  let running = null;
  let again = false;

  async function fetchOnce() {
    const { person, channel } = where();
    const query = new URLSearchParams({ person, channel });
    const answer = await fetch(`/control/look?${query}`);
    const look = await answer.json();
    const now = where();
    if (now.person !== person || now.channel !== channel) return; // somebody switched meanwhile
    if (answer.ok) onLook(look);
    else onLook(null);
  }

  async function run() {
    do {
      again = false;
      try {
        await fetchOnce();
      } catch {
        onGone(true); // the stream notices when it is back
      }
    } while (again);
    running = null;
  }

  // One look at a time: changes that come while it is under way are seen by the next one.
  function refresh() {
    if (running) again = true;
    else running = run();
    return running;
  }

  const stream = new EventSource("/control/stream");
  stream.onmessage = () => {
    onGone(false);
    refresh();
  };
  stream.onerror = () => {
    onGone(true);
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
  };
  return refresh;
}

/** A refusal by the workspace itself; its message is for the person. */
export class Refused extends Error {}

/** POSTs JSON to the control API and returns its answer. Throws Refused, or TypeError when nobody answers. */
export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`/control/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Refused(refusalIn(text));
  return JSON.parse(text);
}

function refusalIn(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return text;
  }
}
