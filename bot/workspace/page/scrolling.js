// Keeps a list of messages at its end while it grows, unless the person has scrolled away to read.

const NEAR = 60;

/**
 * For a scrolling element: `follow(what, draw)` draws and then stays where one was, or goes to the end. A last message
 * that is higher than the window is shown from its beginning: nobody should meet its buttons first.
 */
export function keepAtEnd(scroll) {
  let shown = null;
  let rest = null; // where it was left, if at the end
  return (what, draw) => {
    const top = scroll.scrollTop;
    const atEnd = scroll.scrollHeight - top - scroll.clientHeight < NEAR || top === rest;
    draw();
    const goes = shown !== what || atEnd;
    scroll.scrollTop = goes ? endOf(scroll) : top;
    rest = goes ? scroll.scrollTop : null;
    shown = what;
  };
}

function endOf(scroll) {
  const last = [...scroll.querySelectorAll(".message")].at(-1);
  if (!last || last.offsetHeight <= scroll.clientHeight) return scroll.scrollHeight;
  return scroll.scrollTop + last.getBoundingClientRect().top - scroll.getBoundingClientRect().top;
}
