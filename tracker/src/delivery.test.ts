import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startDelivery } from "./delivery";
import { openQueue } from "./queue";
import { openStore } from "./store";
import { anEvent, fakeBeacon, fakeCollector, setVisibility } from "./testing/collector";

const HOST = "https://events.example";

let collector: ReturnType<typeof fakeCollector>;
let beacon: ReturnType<typeof fakeBeacon>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  vi.spyOn(console, "warn").mockReturnValue();
  localStorage.clear();
  setVisibility("visible");
  collector = fakeCollector();
  beacon = fakeBeacon();
});

afterEach(() => vi.useRealTimers());

let tabs = 0;

/** A page's queue and delivery; each test has a write key, and so a store, of its own. */
function openTab({ isAllowed = (): boolean => true, writeKey = `k${++tabs}` } = {}) {
  const store = openStore(`beatline.${writeKey}.`);
  const queue = openQueue(store, () => delivery.soon());
  const delivery = startDelivery(queue, store, { host: HOST, writeKey }, isAllowed, () => undefined);
  delivery.begin();
  const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);
  return { queue, seconds, writeKey };
}

function addSome(queue: { add: (event: ReturnType<typeof anEvent>) => void }, count: number): string[] {
  const events = Array.from({ length: count }, () => anEvent());
  events.forEach(queue.add);
  return events.map(({ event_id }) => event_id);
}

const sentIds = () => collector.events().map(({ event_id }) => event_id);

test("events that come together leave together, with the time of sending", async () => {
  vi.setSystemTime("2026-03-04T12:00:00Z");
  const { queue, seconds, writeKey } = openTab();
  const ids = addSome(queue, 3);
  await seconds(1);

  expect(collector.urls).toEqual([`${HOST}/api/v1/analytics/batch/?write_key=${writeKey}`]);
  expect(sentIds()).toEqual(ids);
  expect(JSON.parse(collector.bodies[0] ?? "")).toMatchObject({ sent_at: "2026-03-04T12:00:00.500Z" });
  expect(queue.isEmpty()).toBe(true);
});

test("without a write key there is none in the address", async () => {
  const { queue, seconds } = openTab({ writeKey: "" });
  addSome(queue, 1);
  await seconds(1);
  expect(collector.urls).toEqual([`${HOST}/api/v1/analytics/batch/`]);
});

test("many events leave in batches of 100", async () => {
  const { queue, seconds } = openTab();
  const ids = addSome(queue, 250);
  await seconds(1);
  expect(collector.batches().map((batch) => batch.length)).toEqual([100, 100, 50]);
  expect(sentIds()).toEqual(ids);
});

test.each(["no answer", 408, 429, 500, 502, 503, 404, 202] as const)(
  "after %s the events stay, and are sent again after 1, 2, 4 … s",
  async (reply) => {
    const { queue, seconds } = openTab();
    const [id] = addSome(queue, 1);
    collector.replies.push(reply, reply, reply);
    await seconds(0.5);
    const counts = [];
    for (const wait of [0.9, 0.1, 1.9, 0.1, 3.9, 0.1]) {
      await seconds(wait);
      counts.push(collector.bodies.length);
    }
    expect(counts).toEqual([1, 2, 2, 3, 3, 4]);
    expect(new Set(sentIds())).toEqual(new Set([id]));
    expect(queue.isEmpty()).toBe(true);
  },
);

test("waits are drawn at random, grow to 5 minutes at most, and begin anew after a success", async () => {
  vi.mocked(Math.random).mockReturnValue(0);
  const { queue, seconds } = openTab();
  addSome(queue, 1);
  collector.replies.push(...Array<number>(12).fill(503));
  await seconds(3_600);
  expect(collector.bodies).toHaveLength(13);

  collector.replies.push(503);
  addSome(queue, 1);
  await seconds(0.5 + 0.5);
  expect(collector.bodies).toHaveLength(15);
});

test.each([
  ["7", 7],
  ["86400", 3_600],
])("Retry-After %s is honoured for %d s, by the next page too", async (retryAfter, wait) => {
  const { queue, seconds, writeKey } = openTab();
  addSome(queue, 1);
  collector.replies.push({ status: 429, retryAfter });
  await seconds(0.5);
  const next = openTab({ writeKey });
  addSome(next.queue, 1);
  await seconds(wait - 0.1);
  expect(collector.bodies).toHaveLength(1);
  await seconds(0.2);
  expect(sentIds().length).toBeGreaterThan(1);
  expect(queue.isEmpty()).toBe(true);
});

test("given a clock that was set back, a wait does not become days", async () => {
  const { queue, seconds } = openTab();
  addSome(queue, 1);
  collector.replies.push(503);
  await seconds(0.6);
  vi.setSystemTime(Date.now() - 86_400_000);
  await seconds(2);
  expect(queue.isEmpty()).toBe(true);
});

test.each([400, 401, 403, 413])("after %d an event is dropped, with a warning", async (reply) => {
  const { queue, seconds } = openTab();
  addSome(queue, 1);
  collector.replies.push(reply);
  await seconds(60);
  expect(collector.bodies).toHaveLength(1);
  expect(queue.isEmpty()).toBe(true);
  expect(console.warn).toHaveBeenCalledWith("beatline:", expect.stringContaining(`${reply}`));
});

test("a batch that is too large is halved until it fits, and only what never fits is dropped", async () => {
  const { queue, seconds } = openTab();
  const ids = addSome(queue, 4);
  collector.replies.push(413, 413, 413);
  await seconds(1);
  expect(collector.batches().map((batch) => batch.length)).toEqual([4, 2, 1, 1, 1, 1]);
  expect(sentIds().slice(-3)).toEqual(ids.slice(1));
  expect(queue.isEmpty()).toBe(true);
});

test("while an answer is awaited, nothing else is sent", async () => {
  let answer: (response: Response) => void = () => undefined;
  const bodies: unknown[] = [];
  vi.stubGlobal("fetch", (_: string, { body }: { body: string }) => {
    bodies.push(body);
    return new Promise<Response>((resolve) => (answer = resolve));
  });
  const { queue, seconds } = openTab();
  addSome(queue, 1);
  await seconds(1);
  addSome(queue, 1);
  window.dispatchEvent(new Event("online"));
  await seconds(10);
  expect(bodies).toHaveLength(1);

  answer(new Response("{}"));
  await seconds(1);
  expect(bodies).toHaveLength(2);
  answer(new Response("{}"));
  await seconds(1);
  expect(queue.isEmpty()).toBe(true);
});

test("given the network is back, what waits is sent at once", async () => {
  const { queue, seconds } = openTab();
  addSome(queue, 1);
  collector.replies.push({ status: 503, retryAfter: "600" });
  await seconds(1);
  window.dispatchEvent(new Event("online"));
  await seconds(0);
  expect(collector.bodies).toHaveLength(2);
  expect(queue.isEmpty()).toBe(true);
});

test("what an earlier page left is sent by the next one", async () => {
  const left = openTab();
  const ids = addSome(left.queue, 2);
  vi.clearAllTimers();
  const { seconds } = openTab({ writeKey: left.writeKey });
  await seconds(1);
  expect(sentIds()).toEqual(ids);
});

test.each(["visibilitychange", "pagehide"])("at %s what waits goes by beacon, and stays until it is answered", (way) => {
  const { queue } = openTab();
  addSome(queue, 2);
  if (way === "pagehide") window.dispatchEvent(new Event("pagehide"));
  else setVisibility("hidden");
  window.dispatchEvent(new Event("pagehide"));

  expect(beacon.bodies).toHaveLength(1);
  expect(beacon.bodies[0]).toMatch(/"sent_at":"[^"]+"\}$/);
  expect(queue.isEmpty()).toBe(false);
});

test("beacons keep below 64 KiB each, and what they do not take waits", () => {
  const { queue } = openTab();
  beacon.takes = () => beacon.bodies.length < 2;
  for (let count = 0; count < 10; count++) queue.add(anEvent({ properties: { a: "é".repeat(10_000) } }));
  setVisibility("hidden");

  expect(beacon.bodies.map((body) => new Blob([body]).size < 65_536)).toEqual([true, true]);
  expect(queue.takeForBeacon(60_000)).not.toEqual([]);
});

test.each(["offline", "failing"])("no beacon goes out while the collector is %s: it could be taken for delivered", async (why) => {
  if (why === "offline") vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  const { queue, seconds } = openTab();
  addSome(queue, 1);
  collector.replies.push("no answer");
  if (why === "failing") await seconds(0.6);
  setVisibility("hidden");
  expect(beacon.bodies).toEqual([]);
  expect(queue.isEmpty()).toBe(false);
});

test("given the visitor opted out meanwhile, nothing is sent", async () => {
  let allowed = true;
  const { queue, seconds } = openTab({ isAllowed: () => allowed });
  addSome(queue, 1);
  allowed = false;
  await seconds(60);
  setVisibility("hidden");
  expect([collector.bodies, beacon.bodies]).toEqual([[], []]);
});

test("tabs take turns, but do not wait for ever for one that sleeps", async () => {
  const held = { request: (_: string, { signal }: { signal: AbortSignal }) => whenAborted(signal) };
  Object.defineProperty(navigator, "locks", { value: held, configurable: true });
  vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    const control = new AbortController();
    setTimeout(() => control.abort(), ms);
    return control.signal;
  });
  const { queue, seconds } = openTab();
  addSome(queue, 1);
  await seconds(10);
  expect(collector.bodies).toHaveLength(0);
  await seconds(1);
  expect(collector.bodies).toHaveLength(1);
  Reflect.deleteProperty(navigator, "locks");
});

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
}
