import { expect, test } from "vitest";

import { fromBase64Url, toBase64Url } from "./webPush";

test.each([
  ["", []],
  ["-_8", [251, 255]],
  ["AAECAw", [0, 1, 2, 3]],
])("given %s then it is these bytes, and is written so again", (text, bytes) => {
  expect([...fromBase64Url(text)]).toEqual(bytes);
  expect(toBase64Url(new Uint8Array(bytes).buffer)).toBe(text);
});
