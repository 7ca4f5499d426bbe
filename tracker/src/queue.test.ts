import { beforeEach, expect, test, vi } from "vitest";
import { openQueue } from "./queue";
import { openStore } from "./store";
import { anEvent } from "./testing/collector";
import type { TrackedEvent } from "./types";

const HOUR = 3_600_000;
const ALL = [1_000_000, 100_000_000] as const;

beforeEach(() => localStorage.clear());

const open = () => openQueue(openStore("beatline.k."), () => undefined);
const ids = (entries: { text: string }[]) => entries.map(({ text }) => (JSON.parse(text) as TrackedEvent).event_id);
const large = (characters: number) => anEvent({ properties: { filler: "x".repeat(characters) } });

function filled(events: TrackedEvent[]) {
  const queue = open();
  events.forEach(queue.add);
  return queue;
}

test("events come out oldest first, also on the next page", () => {
  const [first, second] = [anEvent(), anEvent()];
  filled([second, first]);
  expect(ids(open().take(...ALL))).toEqual([first.event_id, second.event_id]);
});

test("two tabs share it without losing an event", () => {
  const [one, other] = [open(), open()];
  const events = [anEvent(), anEvent(), anEvent(), anEvent()];
  events.forEach((event, index) => (index % 2 ? one : other).add(event));
  one.remove(one.take(1, ALL[1]));

  expect(ids(other.take(...ALL))).toEqual(events.slice(1).map(({ event_id }) => event_id));
});

test.each([
  ["so many events", 2, 1_000_000, 2],
  ["so many bytes", 10, 2_500, 2],
  ["one at least", 10, 1, 1],
])("it gives %s", (_, events, bytes, expected) => {
  const queue = filled([large(1_000), large(1_000), large(1_000)]);
  expect(queue.take(events, bytes)).toHaveLength(expected);
});

test("bytes are counted, not characters", () => {
  const queue = filled([anEvent({ properties: { a: "é".repeat(1_000) } }), anEvent()]);
  expect(queue.take(10, 2_000)).toHaveLength(1);
});

test("given more than 1,000 events, the oldest go", () => {
  const events = Array.from({ length: 1_003 }, () => anEvent());
  events.forEach((event) => localStorage.setItem(`beatline.k.q.${event.event_id}`, `0${JSON.stringify(event)}`));
  const waiting = ids(filled([anEvent()]).take(...ALL));
  expect(waiting).toHaveLength(1_000);
  expect(waiting[0]).toBe(events[4]?.event_id);
});

test("given more than a million characters, the oldest go", () => {
  const events = Array.from({ length: 6 }, () => large(200_000));
  expect(ids(filled(events).take(...ALL))).toEqual(events.slice(2).map(({ event_id }) => event_id));
});

test("a page that adds for ever does not outgrow it by more than a tenth", () => {
  const events = Array.from({ length: 60 }, () => large(50_000));
  expect(ids(filled(events).take(...ALL)).length).toBeLessThanOrEqual(22);
});

test.each<[string, TrackedEvent]>([
  ["too large", large(250_000)],
  ["no JSON", anEvent({ properties: { big: 1n } })],
])("an event that is %s is refused and costs no other one", (_, event) => {
  const queue = filled([anEvent()]);
  expect(() => queue.add(event)).toThrow();
  expect(queue.take(...ALL)).toHaveLength(1);
});

test("an event is rewritten while it waits, and not brought back", () => {
  const event = anEvent();
  const queue = filled([event]);
  event.properties.title = "Later";
  queue.rewrite(event);
  expect(queue.take(...ALL)[0]?.text).toContain("Later");

  queue.remove(queue.take(...ALL));
  queue.rewrite(event);
  expect(queue.isEmpty()).toBe(true);
});

test("what a beacon took goes by no second one, but waits for an answer", () => {
  const queue = filled([anEvent()]);
  queue.beaconTook(queue.takeForBeacon(60_000));
  expect(queue.takeForBeacon(60_000)).toEqual([]);
  expect(queue.take(...ALL)).toHaveLength(1);
});

test("what no beacon can take does not block the others", () => {
  const small = anEvent();
  expect(ids(filled([large(70_000), small]).takeForBeacon(60_000))).toEqual([small.event_id]);
});

test.each([
  ["is sent again while the collector knows its id", 19 * HOUR, 2],
  ["counts as delivered later, unlike what no beacon took", 21 * HOUR, 1],
])("what a beacon took %s", (_, later, left) => {
  vi.useFakeTimers();
  const queue = filled([anEvent()]);
  queue.beaconTook(queue.takeForBeacon(60_000));
  queue.add(anEvent());
  vi.advanceTimersByTime(later);

  expect(open().take(...ALL)).toHaveLength(left);
  vi.useRealTimers();
});
