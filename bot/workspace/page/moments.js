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

// As the app's own dates are written, so that one moment never reads in two ways.
const { hourCycle } = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions();
const time = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", hourCycle });
const day = new Intl.DateTimeFormat("en-US", { weekday: "long", day: "numeric", month: "long" });
const weekday = new Intl.DateTimeFormat("en-US", { weekday: "short" });

/** Milliseconds of a Slack timestamp, `1790000000.000100`. */
export function millisecondsOf(ts) {
  return Number(ts) * 1000;
}

export const timeOf = (moment) => time.format(moment);
export const shortOf = (moment) => `${weekday.format(moment)} ${timeOf(moment)}`;
export const fullOf = (moment) => `${day.format(moment)}, ${timeOf(moment)}`;

/** `Today`, `Yesterday`, or the day. */
export function dayOf(moment) {
  const name = day.format(moment);
  if (name === day.format(now())) return "Today";
  return name === day.format(now() - 86_400_000) ? "Yesterday" : name;
}

/** The next Monday at nine in the morning here, as milliseconds since 1970. */
export function nextMonday() {
  const monday = new Date(now());
  monday.setHours(9, 0, 0, 0);
  do monday.setDate(monday.getDate() + 1);
  while (monday.getDay() !== 1);
  return monday.getTime();
}
