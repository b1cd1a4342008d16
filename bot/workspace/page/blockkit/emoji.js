// The emoji codes that are drawn as characters; every other code stays as it was typed.

import { own } from "./lookup.js";

const CHARACTERS = {
  "+1": "👍", "-1": "👎", thumbsup: "👍", thumbsdown: "👎", wave: "👋", pray: "🙏", clap: "👏", raised_hands: "🙌",
  muscle: "💪", point_right: "👉", point_left: "👈", point_up: "☝️", point_down: "👇", ok_hand: "👌", eyes: "👀",
  smile: "😄", slightly_smiling_face: "🙂", smiley: "😃", grinning: "😀", joy: "😂", wink: "😉", sweat_smile: "😅",
  thinking_face: "🤔", neutral_face: "😐", cry: "😢", sob: "😭", rage: "😡", scream: "😱", sunglasses: "😎",
  heart: "❤️", broken_heart: "💔", fire: "🔥", tada: "🎉", rocket: "🚀", star: "⭐", sparkles: "✨", zap: "⚡",
  "100": "💯", white_check_mark: "✅", heavy_check_mark: "✔️", ballot_box_with_check: "☑️", x: "❌",
  negative_squared_cross_mark: "❎", warning: "⚠️", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑",
  question: "❓", exclamation: "❗", bangbang: "‼️", information_source: "ℹ️", bell: "🔔", no_bell: "🔕",
  mega: "📣", loudspeaker: "📢", hourglass: "⌛", hourglass_flowing_sand: "⏳", alarm_clock: "⏰",
  stopwatch: "⏱️", calendar: "📅", date: "📅", lock: "🔒", unlock: "🔓", key: "🔑", shield: "🛡️",
  robot_face: "🤖", gear: "⚙️", wrench: "🔧", hammer: "🔨", bug: "🐛", bulb: "💡", mag: "🔍", link: "🔗",
  paperclip: "📎", pencil2: "✏️", memo: "📝", clipboard: "📋", page_facing_up: "📄", file_folder: "📁",
  inbox_tray: "📥", outbox_tray: "📤", email: "📧", envelope: "✉️", package: "📦", moneybag: "💰",
  credit_card: "💳", dollar: "💵", chart_with_upwards_trend: "📈", bar_chart: "📊", airplane: "✈️", hotel: "🏨",
  taxi: "🚕", house: "🏠", office: "🏢", coffee: "☕", pizza: "🍕", beers: "🍻", red_circle: "🔴",
  large_yellow_circle: "🟡", large_green_circle: "🟢", large_blue_circle: "🔵", white_circle: "⚪",
  arrow_right: "➡️", arrow_left: "⬅️", arrow_up: "⬆️", arrow_down: "⬇️", repeat: "🔁", recycle: "♻️",
  wastebasket: "🗑️", trash: "🗑️", speech_balloon: "💬", thought_balloon: "💭", sos: "🆘", see_no_evil: "🙈",
};

const DRAWABLE = /^[\p{Emoji}\u200d\ufe0f\u20e3]+$/u;
const CODE = /:([a-z0-9_+'-]+)(?:::skin-tone-[2-6])?:/g;

/** The character of an emoji's name, or the code itself where it is not drawn here. */
export function emoji(name) {
  return own(CHARACTERS, name) ?? `:${name}:`;
}

/** A text with the known codes in it drawn. */
export function withEmoji(text) {
  return text.replace(CODE, (code, name) => own(CHARACTERS, name) ?? code);
}

/** The emoji that hexadecimal code points joined by hyphens stand for, or null where they stand for something else. */
export function fromCodePoints(points) {
  if (!/^[0-9a-f]{2,6}(-[0-9a-f]{2,6})*$/i.test(points || "")) return null;
  const numbers = points.split("-").map((point) => parseInt(point, 16));
  const text = numbers.every((number) => number <= 0x10ffff) ? String.fromCodePoint(...numbers) : "";
  return DRAWABLE.test(text) ? text : null;
}
