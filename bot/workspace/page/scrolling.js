// Keeps a list of messages at its end while it grows, unless the person has scrolled up to read.

const NEAR = 60;

/** For a scrolling element: `follow(what, draw)` draws and then stays where one was, or goes to the end. */
export function keepAtEnd(scroll) {
  let shown = null;
  return (what, draw) => {
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
    const top = scroll.scrollTop;
    draw();
    scroll.scrollTop = shown !== what || atEnd ? scroll.scrollHeight : top;
    shown = what;
  };
}
