// A moment in the reader's own time zone, in the formats that Slack's date elements name.

import { el, link } from "./dom.js";
import { own } from "./lookup.js";

const LOCALE = "en-US";
// 3:07 PM or 15:07, as the browser's own language has it: the words around it are the app's.
const { hourCycle } = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions();
const DAY = 86_400_000;
const TOKEN = /\{([a-z_]+)\}/g;

const FORMS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

function written(moment, zone, form) {
  return new Intl.DateTimeFormat(LOCALE, { ...form, hourCycle, timeZone: zone || undefined }).format(moment);
}

function isoDay(moment, zone) {
  const day = { year: "numeric", month: "2-digit", day: "2-digit", timeZone: zone || undefined };
  return new Intl.DateTimeFormat("en-CA", day).format(moment);
}

/** today, tomorrow or yesterday; null on every other day. */
function nearDay(moment, ctx) {
  const now = ctx.now ?? Date.now();
  const days = (Date.parse(isoDay(moment, ctx.zone)) - Date.parse(isoDay(new Date(now), ctx.zone))) / DAY;
  return { 0: "today", 1: "tomorrow", "-1": "yesterday" }[days] ?? null;
}

function ago(moment, ctx) {
  const seconds = Math.round((moment.getTime() - (ctx.now ?? Date.now())) / 1000);
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}

function token(name, moment, ctx) {
  if (name === "ago") return ago(moment, ctx);
  if (name === "date_num") return isoDay(moment, ctx.zone);
  if (name === "day_divider_pretty") return nearDay(moment, ctx) ?? written(moment, ctx.zone, FORMS.date_long);
  const pretty = name.endsWith("_pretty");
  const form = own(FORMS, pretty ? name.slice(0, -"_pretty".length) : name);
  if (!form) return null;
  return (pretty && nearDay(moment, ctx)) || written(moment, ctx.zone, form);
}

/** A date as its format says; the fallback where the moment or the format cannot be understood. */
export function date(timestamp, format, fallback, ctx, address = "") {
  const moment = new Date(Number(timestamp) * 1000);
  const plain = fallback || String(timestamp);
  if (Number.isNaN(moment.getTime()) || !format) return document.createTextNode(plain);
  let known = true;
  const text = format.replace(TOKEN, (_, name) => token(name, moment, ctx) ?? ((known = false), ""));
  if (!known) return document.createTextNode(plain);
  const title = written(moment, ctx.zone, { ...FORMS.date_long, ...FORMS.time, timeZoneName: "short" });
  const node = el("time", { datetime: moment.toISOString(), title, class: "bk-date" }, text);
  return address ? link(address, text, ctx, { title }) : node;
}
