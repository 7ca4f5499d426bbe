import { expect, test } from "vitest";

import { NO_FILTER } from "./filter";
import type { StoredEvent } from "./queries";
import { afterNews, MOST_SHOWN, NO_TAIL, readMessage, tailQuery, type Tail } from "./tail";

const sent = (event_id: string, more: object = {}) => ({
  project_id: 1, event_id, ts: "2026-01-01T00:00:00Z", received_at: "2026-01-01T00:00:00Z", event_type: "view", ...more,
});
const message = (...events: object[]) => JSON.stringify({ type: "events", events });
const ids = (events: StoredEvent[]) => events.map(({ event_id }) => event_id);

function after(tail: Tail, held: boolean, ...events: string[]): Tail {
  const news = readMessage(message(...events.map((id) => sent(id))), NO_FILTER, held);
  return news ? afterNews(tail, news) : tail;
}

test("given an event then what is absent in its message is null", () => {
  expect(readMessage(message(sent("1", { user_id: "ann" })), NO_FILTER, false)).toMatchObject({
    kind: "events",
    events: [{ event_id: "1", user_id: "ann", session_id: null, os_name: null, properties: {} }],
  });
});

test("given events in the order of their commits then the newest stands first, each once", () => {
  const tail = after(after(NO_TAIL, false, "1", "2"), false, "2", "3");
  expect(ids(tail.events)).toEqual(["3", "2", "1"]);
});

test("given the tail is held then events wait, and come when it goes on", () => {
  const held = after(after(NO_TAIL, false, "1"), true, "2", "3");
  expect([ids(held.events), ids(held.waiting)]).toEqual([["1"], ["3", "2"]]);
  const released = afterNews(held, { kind: "release" });
  expect([ids(released.events), released.waiting]).toEqual([["3", "2", "1"], []]);
});

test("given more than is kept while held then the rest is counted", () => {
  const many = Array.from({ length: MOST_SHOWN + 5 }, (_, index) => String(index));
  const held = after(NO_TAIL, true, ...many);
  expect([held.waiting.length, held.dropped, held.waiting[0]?.event_id]).toEqual([MOST_SHOWN, 5, String(MOST_SHOWN + 4)]);
});

test.each([
  ["session_id", "s"],
  ["device_id", "d"],
  ["anonymous_id", "a"],
] as const)("given a filter by %s then only its events are shown", (name, value) => {
  const filter = { ...NO_FILTER, [name]: value };
  const news = readMessage(message(sent("1", { [name]: value }), sent("2", { [name]: "x" }), sent("3")), filter, false);
  expect(news?.kind === "events" && ids(news.events)).toEqual(["1"]);
});

test("given the beginning of a page then only pages that begin so are shown", () => {
  const filter = { ...NO_FILTER, page_prefix: "/a" };
  const news = readMessage(message(sent("1", { page_url: "/a/b" }), sent("2", { page_url: "/b" }), sent("3")), filter, false);
  expect(news?.kind === "events" && ids(news.events)).toEqual(["1"]);
});

test.each([
  [{ type: "ready", filter: {} }, { kind: "status", status: "live" }],
  [{ type: "away" }, { kind: "status", status: "away" }],
  [{ type: "sampling", reason: "rate", left_out: 7 }, { kind: "left out", count: 7 }],
  [
    { type: "error", code: "invalid", message: "No.", errors: { user_id: ["Too long."] } },
    { kind: "status", status: "refused", detail: "No. user_id: Too long." },
  ],
  [{ type: "full" }, null],
  [{ type: "events", events: [{ event_id: 1 }, "x", null] }, { kind: "events", events: [], held: false }],
  [3, null],
])("given the message %o then it means %o", (given, meaning) => {
  expect(readMessage(JSON.stringify(given), NO_FILTER, false)).toEqual(meaning);
});

test("given no JSON then nothing is shown", () => {
  expect(readMessage("<html>", NO_FILTER, false)).toBeNull();
});

test("given a filter then the live preview is asked for the parts that it knows", () => {
  const filter = { ...NO_FILTER, event_type: ["a", "b"], user_id: "u&1", session_id: "s", page_prefix: "/" };
  expect(tailQuery(filter, 3).toString()).toBe("project_id=3&event_type=a&event_type=b&user_id=u%261");
});
