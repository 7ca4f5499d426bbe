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

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const SMALL_NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const CHANGE = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });

/** Any number, as exact as it is worth reading. */
export const formatNumber = (value: number): string => (Math.abs(value) < 1 ? SMALL_NUMBER : NUMBER).format(value);

/** A number for the axis of a chart: 1.2M. */
export const formatCompact = (value: number): string => (Math.abs(value) < 1000 ? formatNumber(value) : COMPACT.format(value));

/** By how much a number changed; null where there was nothing to compare it with. */
export function formatChange(now: number | null, before: number | null): string | null {
  if (now === null || before === null || before === 0) return null;
  return CHANGE.format((now - before) / Math.abs(before)).replace("-", "−");
}

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

const HOUR = 3_600;
const DAY = 86_400;
const LONG = 28 * DAY;

/** A time of the axis, as exactly as the step to the next one needs. */
export function formatTick(at: number, step: number, timeZone: string): string {
  const clock: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };
  const options = step >= LONG ? { month: "short" as const, year: "numeric" as const } : step >= DAY ? day : step >= HOUR * 3 ? { ...day, ...clock } : clock;
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone }).format(new Date(at * 1000));
}
