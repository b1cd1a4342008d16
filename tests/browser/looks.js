// Run in the page: what a person would call broken, one sentence each. Contrast as WCAG 2.2 AA has it.
() => {
  const found = [];
  const named = (node) => `<${node.tagName.toLowerCase()}${node.id ? "#" + node.id : ""} class="${node.className}"> ${(node.textContent || "").trim().slice(0, 40)}`;
  const root = document.documentElement;
  if (root.scrollWidth > window.innerWidth) found.push(`the page is ${root.scrollWidth - window.innerWidth} px wider than the window`);

  const top = document.querySelector("dialog[open]") ?? document.body;
  const visible = [...top.querySelectorAll("*")].filter((node) => {
    const style = getComputedStyle(node);
    if (style.visibility !== "visible" || Number(style.opacity) === 0) return false;
    if (node.closest(".unseen, .skip, [hidden], [inert]")) return false;
    return [...node.getClientRects()].some((box) => box.width > 1 && box.height > 1);
  });

  // Cut off sideways: content wider than a box that neither scrolls nor says that something is missing.
  for (const node of visible) {
    const style = getComputedStyle(node);
    const hides = style.overflowX === "hidden" || style.overflowX === "clip";
    if (hides && node.scrollWidth > node.clientWidth + 1 && style.textOverflow !== "ellipsis") found.push(`cut off: ${named(node)}`);
  }

  // On top of each other: buttons, links and fields of one message, form or bar.
  const touched = visible.filter((node) => node.matches("button, a.entry, a.person, input, textarea, select"));
  for (const group of new Set(touched.map((node) => node.closest(".message, form, .people, .sidebar, .top-tools, .channel-head")))) {
    const boxes = touched.filter((node) => group?.contains(node) && !node.closest(".tools")).map((node) => [node, node.getBoundingClientRect()]);
    for (const [i, [one, a]] of boxes.entries()) {
      for (const [other, b] of boxes.slice(i + 1)) {
        if (one.contains(other) || other.contains(one)) continue;
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 1) found.push(`on top of each other: ${named(one)} and ${named(other)}`);
      }
    }
  }

  // A thumb needs 44 px where the screen is narrow.
  if (window.innerWidth < 700) {
    for (const node of touched.filter((each) => each.matches(".message-body button, dialog button"))) {
      const box = node.getBoundingClientRect();
      if (box.height < 43.5 && !node.closest(".tools")) found.push(`only ${Math.round(box.height)} px high: ${named(node)}`);
    }
  }

  const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(at).backgroundColor);
      if (a > 0.95) return [r, g, b];
    }
    return getComputedStyle(root).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  for (const node of visible) {
    const own = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim());
    if (!own || node.matches(":disabled, option") || node.closest("[aria-hidden=true]")) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(channels(style.color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5) - 0.02) found.push(`contrast ${ratio.toFixed(2)}: ${named(node)}`);
  }
  return [...new Set(found)];
}
