import { beforeEach, expect, test } from "vitest";
import { openIdentity } from "./identity";
import { openStore } from "./store";

const NOON = Date.parse("2026-03-04T12:00:00Z");
const MINUTE = 60_000;

beforeEach(() => localStorage.clear());

const open = () => openIdentity(openStore("beatline.k."));

test("nothing is stored before it is needed", () => {
  open().user();
  expect(localStorage).toHaveLength(0);
});

test("the anonymous id and the user are the same in all tabs and on the next page", () => {
  const anonymous = open().anonymous();
  open().identify("u1");
  expect([open().anonymous(), open().user()]).toEqual([anonymous, "u1"]);
});

test.each([
  ["goes on within 30 minutes of the last event", [29, 58, 87], 1],
  ["ends after 30 minutes without one", [30], 2],
  ["ends when the clock was set back by more", [-31], 2],
])("a session %s", (_, minutes, sessions) => {
  const ids = [0, ...minutes].map((minute) => open().session(NOON + minute * MINUTE));
  expect(new Set(ids).size).toBe(sessions);
});

test.each([
  ["the same user keeps the anonymous id", "u1", true],
  ["another user begins a new one", "u2", false],
])("%s", (_, user, same) => {
  const identity = open();
  const anonymous = identity.anonymous();
  identity.identify("u1");
  expect(identity.anonymous()).toBe(anonymous);
  identity.identify(user);
  expect(identity.user()).toBe(user);
  expect(identity.anonymous() === anonymous).toBe(same);
});

test("reset forgets the user, the anonymous id and the session", () => {
  const identity = open();
  identity.identify("u1");
  const before = [identity.anonymous(), identity.session(NOON)];
  identity.reset();
  expect(identity.user()).toBeUndefined();
  expect([identity.anonymous(), identity.session(NOON)]).not.toEqual(before);
});
