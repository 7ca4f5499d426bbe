import { expect, it } from "vitest";

import { EXAMPLE, readMapping } from "./mapping";

it.each([
  ["nothing", "  \n", null],
  ["the example", EXAMPLE, JSON.parse(EXAMPLE) as unknown],
  ["a field that is taken away", '{"user_id": null}', { user_id: null }],
  ["all properties at once", '{"properties": "body.data"}', { properties: "body.data" }],
  ["properties, one taken away", '{"properties": {"a": "body.a", "b": null}}', { properties: { a: "body.a", b: null } }],
])("takes %s", (_, text, mapping) => {
  expect(readMapping(text)).toEqual({ mapping, problems: [] });
});

it.each([
  ["no JSON", "{", /^This is no JSON: /],
  ["a list", "[]", "A mapping is an object: { field: expression }."],
  ["a text", '"body"', "A mapping is an object: { field: expression }."],
  ["an unknown field", '{"sent_at": "body.t"}', "An event has no field sent_at."],
  ["a number", '{"user_id": 7}', "user_id has to be a JMESPath expression as a text, or null."],
  ["an empty expression", '{"user_id": " "}', "user_id has to be a JMESPath expression as a text, or null."],
  ["an object elsewhere", '{"user_id": {}}', "user_id has to be a JMESPath expression as a text, or null."],
  ["a property that is none", '{"properties": {"a": 1}}', "properties.a has to be a JMESPath expression as a text, or null."],
])("says what is wrong with %s", (_, text, problem) => {
  const { mapping, problems } = readMapping(text);
  expect(mapping).toBeNull();
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(problem);
});

it("says all that is wrong", () => {
  expect(readMapping('{"nobody": "a", "user_id": 1}').problems).toHaveLength(2);
});
