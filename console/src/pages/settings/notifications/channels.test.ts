import { expect, test } from "vitest";

import { levelNames, levelOf, withLevel, type Preference } from "./channels";

test.each(levelNames)("given the level %s then it is what is read again, and others stay as they are", (level) => {
  const before: Preference[] = [{ kind: "watch", channel: "email", enabled: false }];
  const after = withLevel(withLevel(before, "alert", "email", "critical"), "alert", "email", level);
  expect(levelOf(after, "alert", "email")).toBe(level);
  expect(levelOf(after, "watch", "email")).toBe("nothing");
  expect(levelOf(after, "alert", "live")).toBe("info");
  expect(after).toHaveLength(level === "info" ? 1 : 2);
});
