import { expect, it } from "vitest";

import { ApiError } from "../../api/client";
import { exampleOf, readJson } from "./jsonText";
import { inSchemaField } from "./SchemaEditor";

it.each([
  ["null", null],
  ["true", true],
  ['{"type": "object"}', { type: "object" }],
])("reads %s", (text, value) => {
  expect(readJson(text)).toEqual({ value });
});

it.each([
  ["nothing", " ", /^Empty/],
  ["a comma too many, in its line", '{\n  "a": 1,\n}', /^Line 3: /],
  ["half of it", '{"a": ', /Unexpected end|Line 1/],
])("says where the fault is: %s", (_, text, problem) => {
  expect(readJson(text).problem).toMatch(problem);
});

it.each<[string, unknown, unknown]>([
  ["any", null, {}],
  ["no schema", true, {}],
  [
    "properties",
    {
      type: "object",
      properties: {
        amount: { type: "number", minimum: 3 },
        count: { type: "integer" },
        currency: { enum: ["EUR", "USD"] },
        paid: { type: "boolean" },
        tags: { type: "array" },
        title: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
        note: { anyOf: [{ type: "string" }, { type: "null" }] },
        buyer: { type: "object", properties: { email: { type: "string", examples: ["a@example.com"] } } },
      },
    },
    {
      amount: 3, count: 1, currency: "EUR", paid: true, tags: [], title: null, note: "text",
      buyer: { email: "a@example.com" },
    },
  ],
])("makes an example of %s", (_, schema, example) => {
  expect(exampleOf(schema)).toEqual(example);
});

it("makes an end of a schema without one", () => {
  const schema: { properties: Record<string, unknown> } = { properties: {} };
  schema.properties.again = schema;
  expect(JSON.stringify(exampleOf(schema))).toContain("…");
});

it("brings what the API says of a schema's places to the editor", () => {
  const error = new ApiError("refused", "The request was refused.", {
    status: 400,
    fields: { "schema.properties.a.type": ["No type."], description: ["Too long."] },
  });

  expect(inSchemaField(error)).toMatchObject({
    fields: { schema: ["schema.properties.a.type: No type."], description: ["Too long."] },
  });
});
