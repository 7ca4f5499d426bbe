import type { Entry, Queue } from "./queue";
import type { Store } from "./store";
import type { Options } from "./types";
import { warn } from "./warn";

const GATHER_MS = 500;
const BATCH_EVENTS = 100;
const BATCH_BYTES = 500_000;
const BEACON_BYTES = 60_000; // browsers take 64 KiB, the frame around the events included
const ANSWER_MS = 30_000;
const OTHER_TAB_MS = 10_000;
const LONGEST_BACKOFF_MS = 300_000;
const LONGEST_WAIT_MS = 3_600_000;
const REFUSED_FOR_GOOD = [400, 401, 403, 413];
const RETRY = "retry";

export interface Delivery {
  /** Send what earlier pages left, and watch the network and the end of this page. */
  begin: () => void;
  /** Send what waits: in a moment, or when the collector wants to be asked again. */
  soon: () => void;
}

interface Answer {
  status: number; // 0: there was none
  retryAfterMs: number;
}

/** Sends the queue until it is empty. Only an answer takes events out of it.
 *
 * The state of retrying is stored beside the queue: a reload or another tab does not ask sooner. While it waits, no
 * beacon is sent: it would most likely fail, and its events count as delivered at some time.
 */
export function startDelivery(
  queue: Queue, store: Store, options: Options, isAllowed: () => boolean, beforeSending: () => void,
): Delivery {
  const key = options.writeKey ?? "";
  const url = `${options.host.replace(/\/$/, "")}/api/v1/analytics/batch/${key && `?write_key=${encodeURIComponent(key)}`}`;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isSending = false;

  async function sendAll(): Promise<void> {
    let most = BATCH_EVENTS;
    while (isAllowed() && waitMs(store) <= 0) {
      beforeSending();
      const batch = queue.take(most, BATCH_BYTES);
      if (batch.length === 0) return;
      const answer = await post(url, bodyOf(batch));
      if (answer.status === 413 && batch.length > 1) {
        most = batch.length >> 1;
      } else if (answer.status === 200 || REFUSED_FOR_GOOD.includes(answer.status)) {
        if (answer.status !== 200) warn(`the collector refused ${batch.length} event(s): ${answer.status}`);
        queue.remove(batch);
        store.remove(RETRY);
      } else {
        backOff(store, answer.retryAfterMs);
      }
    }
  }

  async function send(): Promise<void> {
    timer = undefined;
    if (isSending) return;
    isSending = true;
    await oneTabAtATime(key, sendAll);
    isSending = false;
    if (isAllowed() && !queue.isEmpty()) soon();
  }

  function soon(): void {
    timer ??= setTimeout(() => void send(), Math.max(GATHER_MS, waitMs(store)));
  }

  /** The network is back, so the last failure says nothing any more. */
  function sendNow(): void {
    store.remove(RETRY);
    clearTimeout(timer);
    void send();
  }

  /** The page may end: what waits goes by beacon. */
  function leave(): void {
    if (!isAllowed() || !navigator.onLine || waitMs(store) > 0) return;
    beforeSending();
    for (;;) {
      const batch = queue.takeForBeacon(BEACON_BYTES);
      if (batch.length === 0 || !navigator.sendBeacon(url, bodyOf(batch))) return;
      queue.beaconTook(batch);
    }
  }

  function begin(): void {
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());
    addEventListener("pagehide", leave);
    addEventListener("online", sendNow);
    if (!queue.isEmpty()) soon();
  }

  return { begin, soon };
}

/** Bodies and beacons are text/plain, which needs no preflight. */
async function post(url: string, body: string): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(url, { method: "POST", body, credentials: "omit", signal });
    return { status: response.status, retryAfterMs: Number(response.headers.get("Retry-After")) * 1_000 || 0 };
  } catch {
    return { status: 0, retryAfterMs: 0 };
  }
}

/** sent_at tells the collector how far our clock is off. */
function bodyOf(batch: Entry[]): string {
  const events = batch.map(({ text }) => text).join();
  return `{"events":[${events}],"sent_at":"${new Date().toISOString()}"}`;
}

/** Keeps tabs from sending the same events at the same time. A tab that the system has put to sleep may hold the
 * lock for ever, so after a while we go without it: an event that is sent twice is stored once. */
async function oneTabAtATime(key: string, work: () => Promise<void>): Promise<void> {
  const locks = navigator.locks as LockManager | undefined; // absent from pages without HTTPS
  try {
    if (!locks) throw new Error();
    await locks.request(`beatline.${key}`, { signal: AbortSignal.timeout(OTHER_TAB_MS) }, work);
  } catch {
    await work();
  }
}

/** How long not to ask: stored as the time until when, and the failures in a row. Longer than any wait means that the
 * clock was set back. */
function waitMs(store: Store): number {
  const wait = parseInt(store.get(RETRY) ?? "0") - Date.now();
  return wait > LONGEST_WAIT_MS ? 0 : wait;
}

function backOff(store: Store, retryAfterMs: number): void {
  const failures = Number((store.get(RETRY) ?? "").split(" ")[1] ?? 0);
  const backoff = Math.min(1_000 * 2 ** failures, LONGEST_BACKOFF_MS) * (0.5 + Math.random() / 2);
  const wait = Math.round(Math.min(Math.max(backoff, retryAfterMs), LONGEST_WAIT_MS));
  store.set(RETRY, `${Date.now() + wait} ${failures + 1}`);
}
