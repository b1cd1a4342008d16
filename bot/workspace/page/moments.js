// Times, by the workspace's clock (which can be moved) and in the browser's zone.

let ahead = 0;

/** Takes over the workspace's clock: milliseconds since 1970. */
export function setNow(now) {
  ahead = now - Date.now();
}

export function now() {
  return Date.now() + ahead;
}

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const short = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** Milliseconds of a Slack timestamp, `1790000000.000100`. */
export function millisecondsOf(ts) {
  return Number(ts) * 1000;
}

export const timeOf = (moment) => time.format(moment);
export const shortOf = (moment) => short.format(moment);
export const fullOf = (moment) => full.format(moment);

/** `Today`, `Yesterday`, or the day. */
export function dayOf(moment) {
  const name = day.format(moment);
  if (name === day.format(now())) return "Today";
  return name === day.format(now() - 86_400_000) ? "Yesterday" : name;
}

/** Seconds from now until the next Monday at nine in the morning here. */
export function secondsUntilMonday() {
  const monday = new Date(now());
  monday.setHours(9, 0, 0, 0);
  do monday.setDate(monday.getDate() + 1);
  while (monday.getDay() !== 1);
  return Math.ceil((monday - now()) / 1000);
}
