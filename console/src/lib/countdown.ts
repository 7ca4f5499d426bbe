/** Whole seconds until `due`, never negative; a begun second counts. Both in epoch milliseconds. */
export function secondsLeft(due: number, now: number): number {
  return Math.max(0, Math.ceil((due - now) / 1000));
}

/** The part of `interval` (milliseconds) that is still ahead, between 0 and 1. */
export function fractionLeft(due: number, now: number, interval: number): number {
  return Math.min(1, Math.max(0, (due - now) / interval));
}
