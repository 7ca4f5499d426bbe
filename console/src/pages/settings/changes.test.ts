import { expect, test } from "vitest";

import { describeUserAgent } from "../../lib/userAgent";
import { differences } from "./ChangeView";

test.each([
  [{ role: "viewer" }, { role: "admin" }, [{ name: "role", was: "viewer", is: "admin" }]],
  [{ a: 1, b: [1] }, { a: 1, b: [1, 2] }, [{ name: "b", was: [1], is: [1, 2] }]],
  [null, { name: "shop" }, [{ name: "name", was: undefined, is: "shop" }]],
  [{ roles: [] }, null, [{ name: "roles", was: [], is: undefined }]],
  ["off", "on", [{ name: "value", was: "off", is: "on" }]],
  [null, null, []],
])("given %j and then %j, what differs is told", (before, after, expected) => {
  expect(differences(before, after)).toEqual(expected);
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", "Chrome on Linux"],
  ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605.1 Version/19.0 Safari/605.1", "Safari on macOS"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 CriOS/140.0 Mobile", "Chrome on iOS"],
  ["Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android"],
  ["curl/8.14.1", "curl/8.14.1"],
  ["", "unknown"],
])("given %s then it is %s", (userAgent, expected) => {
  expect(describeUserAgent(userAgent)).toBe(expected);
});
