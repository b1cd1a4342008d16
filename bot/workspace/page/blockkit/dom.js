// Makes DOM nodes. Every text becomes a text node, so nothing anybody wrote is ever read as markup.

let made = 0;

/** An id that no other part of this document has. */
export function freshId() {
  made += 1;
  return `bk-${made}`;
}

/**
 * An element with attributes and children. An attribute that is null, undefined or false is left out, true stands
 * empty; a key beginning with `on` is a listener. Children are nodes or strings; null ones are left out.
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

/** A fragment of nodes and strings. */
export function fragment(...children) {
  const out = document.createDocumentFragment();
  out.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return out;
}

/** Text that only screen readers read. */
export function unseen(text, attributes = {}) {
  return el("span", { class: "bk-unseen", ...attributes }, text);
}

const OPENED = new Set(["http:", "https:", "mailto:"]);

/** The address in full if it is one that may be opened, else null. */
export function openable(address) {
  try {
    const url = new URL(String(address));
    return OPENED.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * A link that opens outside this page, through `ctx.open` where the page offers it. An address that may not be opened
 * is text: the label, and the address where the two differ, so that nobody wonders what was meant.
 */
export function link(address, label, ctx, attributes = {}) {
  const href = openable(address);
  if (href === null) return el("span", {}, label && label !== address ? `${label} (${address})` : String(address));
  const follow = (event) => {
    if (!ctx.open || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ctx.open(href);
  };
  const usual = { class: "bk-link", href, title: href, target: "_blank", rel: "noopener noreferrer", onclick: follow };
  return el("a", { ...usual, ...attributes }, label || String(address));
}
