// Text objects: plain_text, whose letters stand for themselves, and mrkdwn.

import { fragment } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { renderMrkdwn, unescape } from "./mrkdwn.js";

/** What a reader sees of a plain_text object, as a string; empty for none. */
export function textOf(object) {
  const text = unescape(String(object?.text ?? ""));
  return object?.emoji === false ? text : withEmoji(text);
}

/** A text object as nodes; an empty fragment for none. */
export function renderText(object, ctx) {
  return object?.type === "mrkdwn" ? renderMrkdwn(object.text, ctx) : fragment(textOf(object));
}
