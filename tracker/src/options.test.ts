import { expect, test } from "vitest";
import { optionsOf } from "./options";

const DEFAULTS = { writeKey: "", manual: false, hash: false, ignoreDnt: false };

function script(attributes: Record<string, string>): HTMLScriptElement {
  const element = document.createElement("script");
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

test.each([
  ["https://events.example/tracker.js", "https://events.example"],
  ["https://events.example/tracker.js?v=2", "https://events.example"],
  ["https://events.example/tracker/0123abcd/tracker.js", "https://events.example"],
  ["https://example.com/beatline/tracker.js", "https://example.com/beatline"],
])("a script from %s sends to %s", (src, host) => {
  expect(optionsOf(script({ src }))).toEqual({ host, ...DEFAULTS });
});

test("every option is an attribute", () => {
  const attributes = {
    "src": "https://cdn.example/tracker.js",
    "data-host": "https://events.example",
    "data-write-key": "wk_1",
    "data-manual": "",
    "data-hash": "",
    "data-ignore-dnt": "",
  };
  expect(optionsOf(script(attributes))).toEqual({
    host: "https://events.example", writeKey: "wk_1", manual: true, hash: true, ignoreDnt: true,
  });
});
