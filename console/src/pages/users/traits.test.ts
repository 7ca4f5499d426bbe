import { expect, test } from "vitest";

import { describeTraits } from "./traits";
import { userPath } from "./userPath";

test.each([
  [{}, ""],
  [{ age: 3, plan: "pro", email: "a@b.c", name: "Ann", city: "X" }, "Ann · a@b.c · pro"],
  [{ address: { city: "X" }, tags: ["a"], none: null, vip: true }, "vip: true"],
])("given the traits %o then the line is %s", (traits, line) => {
  expect(describeTraits(traits)).toBe(line);
});

test.each(["ann", "a/b/../c", "100%", "a?b=c&d#e", "é +"])("given the id %s then its page's address holds it whole", (id) => {
  expect(new URL(userPath(id), "http://x").searchParams.get("user_id")).toBe(id);
});
