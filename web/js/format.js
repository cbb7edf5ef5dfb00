// Numbers and times as the reader's language writes them.
import { locale } from "./i18n.js";

export const number = (n) => (Number.isFinite(n) ? new Intl.NumberFormat(locale()).format(n) : "–");
export const percent = (part, whole) =>
  new Intl.NumberFormat(locale(), { style: "percent" }).format(whole > 0 ? Math.floor((100 * part) / whole) / 100 : 0);

const unit = (n, name) => new Intl.NumberFormat(locale(), { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: 0 }).format(n);

export function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (seconds < 90) return unit(Math.max(1, Math.round(seconds)), "second");
  if (minutes < 60) return unit(minutes, "minute");
  if (minutes < 48 * 60) return `${unit(Math.floor(minutes / 60), "hour")} ${unit(minutes % 60, "minute")}`;
  return unit(Math.round(minutes / 1440), "day");
}

export const days = (n) => unit(n, "day");

export function bytes(n) {
  if (!Number.isFinite(n)) return "–";
  const names = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let i = 0;
  for (; n >= 1000 && i < names.length - 1; i++) n /= 1000;
  return new Intl.NumberFormat(locale(), { style: "unit", unit: names[i], maximumFractionDigits: n < 10 && i > 0 ? 1 : 0 }).format(n);
}

let aheadMs = 0;

// The line server's clock is the one that counts: that of a panel may be wrong by years.
export function keepTime(text) {
  aheadMs = new Date(text) - Date.now();
}

export const now = () => new Date(Date.now() + aheadMs);

const form = (options, text) => (text ? new Intl.DateTimeFormat(locale(), options).format(new Date(text)) : "–");

export const clock = (text) => form({ hour: "2-digit", minute: "2-digit" }, text);
export const date = (text) => form({ dateStyle: "medium" }, text);
export const dateTime = (text) => form({ dateStyle: "medium", timeStyle: "medium" }, text);

// The time of day for today's, the date too for others.
export function moment(text) {
  if (!text) return "–";
  const today = new Date(text).toDateString() === now().toDateString();
  return today ? form({ timeStyle: "medium" }, text) : dateTime(text);
}
