import { expect, test } from "vitest";

import { sharedHost, splitUrl } from "./pageUrl";

test.each([
  ["/cart", "", "/cart"],
  ["https://shop.example/cart?a=1#b", "shop.example", "/cart?a=1#b"],
  ["http://shop.example:81", "shop.example:81", "/"],
  ["javascript:alert(1)", "", "javascript:alert(1)"],
  ["", "", ""],
])("given %s then host and rest are told apart", (url, host, rest) => {
  expect(splitUrl(url)).toEqual({ host, rest });
});

test.each([
  [["https://a.example/1", "http://a.example/2"], "a.example"],
  [["https://a.example/1", "https://b.example/1"], null],
  [["https://a.example/1", "/1"], null],
  [["/1", "/2"], null],
  [[], null],
])("given %j then the shared host is %s", (urls, host) => {
  expect(sharedHost(urls)).toBe(host);
});
