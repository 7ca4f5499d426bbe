const INTEGER = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const ONE_DECIMAL = new Intl.NumberFormat("en", {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const PERCENT = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const CLOCK_MINUTES = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

export const formatInteger = (value: number): string => INTEGER.format(value);

/** Events per second: one decimal below 100, none from there, and a plain 0 for none at all. */
export const formatRate = (value: number): string =>
  (value >= 99.95 || value === 0 ? INTEGER : ONE_DECIMAL).format(value);

/** A share between 0 and 1 as a percentage; a small share that is not zero is "<1%". */
export const formatShare = (share: number): string =>
  share > 0 && share < 0.005 ? "<1%" : PERCENT.format(share);

/** A moment (epoch milliseconds) as the viewer's local time of day. */
export const formatClock = (moment: number): string => CLOCK.format(moment);

export const formatClockMinutes = (moment: number): string => CLOCK_MINUTES.format(moment);

/** A length in seconds in the largest unit that leaves a whole number worth reading. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A window's length in words: 300 becomes "5 minutes", 90 "90 seconds". */
export function formatWindow(seconds: number): string {
  const [count, unit] = seconds % 60 === 0 ? [seconds / 60, "minute"] : [seconds, "second"];
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatInteger(count)} ${count === 1 ? one : many}`;
}

const DATE_TIME = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** A moment (epoch milliseconds) as the viewer's local date and time of day. */
export const formatDateTime = (moment: number): string => DATE_TIME.format(moment);

export const formatDate = (moment: number): string => DATE.format(moment);
