// Images and videos. Nothing is ever fetched from outside: what lies elsewhere is a frame with its description.

import { el, link } from "./dom.js";
import { textOf } from "./text.js";

/** An image: drawn where its address is this page's own, else framed by its alt text. */
export function image(element, look) {
  const alt = String(element.alt_text ?? "");
  if (isOurs(element.image_url)) return el("img", { class: look, src: element.image_url, alt });
  return el("span", { class: `${look} bk-frame`, role: "img", "aria-label": alt }, "🖼 ", alt);
}

/** An image block. */
export function imageBlock(block) {
  const title = textOf(block.title);
  return el("figure", { class: "bk-figure" }, title ? el("figcaption", {}, title) : null, image(block, "bk-image"));
}

/** A video block: what it is called and where it lies. */
export function videoBlock(block, ctx) {
  const title = textOf(block.title);
  const by = [block.author_name, block.provider_name].filter(Boolean).join(" · ");
  const caption = el("figcaption", { class: "bk-strong" }, block.title_url ? link(block.title_url, title, ctx) : title);
  const about = [el("div", { class: "bk-small" }, by), el("div", {}, textOf(block.description))];
  const alt = String(block.alt_text ?? "");
  const frame = el("span", { class: "bk-image bk-frame", role: "img", "aria-label": alt }, "▶ ", alt);
  return el("figure", { class: "bk-figure" }, caption, about, frame);
}

function isOurs(address) {
  try {
    return new URL(address).origin === window.location.origin;
  } catch {
    return false;
  }
}
