import type { Store } from "./store";
import type { TrackedEvent } from "./types";

const MAX_EVENTS = 1_000;
const MAX_CHARACTERS = 1_000_000;
const MAX_EVENT_CHARACTERS = 250_000;
const CHECKED_EVERY = 100_000; // characters, an event counting 1,000 at least: reading the whole queue takes a while
const BEACON_TRUSTED_MS = 20 * 3_600_000; // less than the 24 h for which the collector remembers ids
const PREFIX = "q.";

export interface Entry {
  key: string;
  text: string;
  /** When a beacon took it, in Unix milliseconds; 0: none did. */
  beaconAt: number;
}

export interface Queue {
  /** Throws when the event is too large, or is no JSON. */
  add: (event: TrackedEvent) => void;
  /** Write an event again, unless it has left. */
  rewrite: (event: TrackedEvent) => void;
  isEmpty: () => boolean;
  /** The oldest events, as many as fit; one at least, however large. */
  take: (events: number, bytes: number) => Entry[];
  /** The oldest events that no beacon took yet and that one can take. */
  takeForBeacon: (bytes: number) => Entry[];
  beaconTook: (entries: Entry[]) => void;
  remove: (entries: Entry[]) => void;
}

/** The events that were not acknowledged yet: a key each, so that tabs never overwrite one another's.
 *
 * A value is the time at which a beacon took the event, then its JSON. Nobody hears what became of a beacon, so its
 * events stay and are sent again, and the collector knows them by their ids. It does so for 24 hours; events that
 * a beacon took long ago count as delivered.
 */
export function openQueue(store: Store, added: () => void): Queue {
  const keyOf = (event: TrackedEvent) => PREFIX + event.event_id;
  const entries = () => store.keys(PREFIX).map((key) => parse(key, store.get(key))).filter(isWaiting);
  const remove = (gone: Entry[]) => gone.forEach(({ key }) => store.remove(key));

  let unchecked = CHECKED_EVERY; // the first event of a page is checked

  function write(event: TrackedEvent): void {
    const text = JSON.stringify(event);
    if (text.length > MAX_EVENT_CHARACTERS) throw new Error(`${event.event_type} is too large`);
    store.set(keyOf(event), `0${text}`);
    unchecked += Math.max(text.length, 1_000);
  }

  function isWaiting({ key, text, beaconAt }: Entry): boolean {
    const delivered = beaconAt > 0 && Date.now() - beaconAt > BEACON_TRUSTED_MS;
    if (delivered) store.remove(key);
    return !delivered && text !== "";
  }

  function dropOldest(): void {
    unchecked = 0;
    let characters = 0;
    const kept = (entry: Entry, index: number) =>
      index < MAX_EVENTS && (characters += entry.text.length) <= MAX_CHARACTERS;
    remove(entries().reverse().filter((entry, index) => !kept(entry, index)));
  }

  return {
    add(event) {
      write(event);
      if (unchecked > CHECKED_EVERY) dropOldest();
      added();
    },
    rewrite(event) {
      if (store.get(keyOf(event))) write(event);
    },
    isEmpty: () => store.keys(PREFIX).length === 0,
    take: (events, bytes) => first(entries(), events, bytes),
    takeForBeacon: (bytes) =>
      first(entries().filter(({ text, beaconAt }) => !beaconAt && size(text) < bytes), MAX_EVENTS, bytes),
    beaconTook: (taken) => taken.forEach(({ key, text }) => store.set(key, `${Date.now()}${text}`)),
    remove,
  };
}

function parse(key: string, value = ""): Entry {
  return { key, text: value.slice(value.indexOf("{")), beaconAt: parseInt(value) || 0 };
}

function first(entries: Entry[], events: number, bytes: number): Entry[] {
  let end = 0;
  for (const { text } of entries) {
    bytes -= size(text);
    if (end >= events || (bytes < 0 && end > 0)) break;
    end += 1;
  }
  return entries.slice(0, end);
}

function size(text: string): number {
  return new Blob([text]).size;
}
