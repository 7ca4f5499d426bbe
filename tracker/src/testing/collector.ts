import { vi } from "vitest";
import type { TrackedEvent } from "../types";

type Reply = number | { status: number; retryAfter: string } | "no answer";

/** Stands for the network: what was sent to it, and what it answers next (200 when nothing was said). */
export function fakeCollector() {
  const bodies: string[] = [];
  const urls: string[] = [];
  const replies: Reply[] = [];

  vi.stubGlobal("fetch", async (url: string, { body }: { body: string }) => {
    urls.push(url);
    bodies.push(body);
    const reply = replies.shift() ?? 200;
    if (reply === "no answer") throw new TypeError("Failed to fetch");
    if (typeof reply === "number") return new Response("{}", { status: reply });
    return new Response("{}", { status: reply.status, headers: { "Retry-After": reply.retryAfter } });
  });

  const batches = () => bodies.map((body) => (JSON.parse(body) as { events: TrackedEvent[] }).events);
  return { urls, bodies, replies, batches, events: () => batches().flat() };
}

/** Stands for sendBeacon; takes what it is given while `takes` says so. */
export function fakeBeacon() {
  const beacon: { bodies: string[]; takes: () => boolean } = { bodies: [], takes: () => true };
  navigator.sendBeacon = (_url, body) => {
    if (!beacon.takes()) return false;
    beacon.bodies.push(body as string);
    return true;
  };
  return beacon;
}

let made = 0;

/** An event as it lies in the queue. */
export function anEvent(more: Partial<TrackedEvent> = {}): TrackedEvent {
  made += 1;
  return {
    event_id: `id-${String(made).padStart(6, "0")}`,
    event_type: "e",
    timestamp: "2026-03-04T12:00:00.000Z",
    user_id: undefined,
    anonymous_id: "a",
    session_id: "s",
    page_url: "https://shop.example/",
    properties: {},
    ...more,
  };
}

export function setVisibility(state: "visible" | "hidden"): void {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}
