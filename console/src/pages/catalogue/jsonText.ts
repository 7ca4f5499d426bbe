import { isObject } from "../../api/errors";

export type Read = { value: unknown; problem?: undefined } | { value?: undefined; problem: string };

/** JSON as it was typed; a problem says where it is: "Line 3: …". */
export function readJson(text: string): Read {
  if (text.trim() === "") return { problem: "Empty. null takes anything." };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: placed(error instanceof Error ? error.message : String(error), text) };
  }
}

/** Engines tell the position in their own words; what they tell of it is made a line. */
function placed(message: string, text: string): string {
  const position = /position (\d+)/.exec(message)?.[1];
  const known = /line (\d+)/.exec(message)?.[1];
  const what = message.replace(/^JSON\.parse: /, "").replace(/ (in JSON )?at (position|line) .*$/, "");
  const line = known ?? (position === undefined ? undefined : text.slice(0, Number(position)).split("\n").length);
  return line === undefined ? `This is no JSON: ${what}` : `Line ${line}: ${what}`;
}

export const formatJson = (value: unknown): string => JSON.stringify(value, null, 2);

/** What to begin a type's schema with. */
export const NEW_SCHEMA = formatJson({
  type: "object",
  required: [],
  properties: { amount: { type: "number", minimum: 0 } },
});

const MOST_LEVELS = 5;

/** Properties that look like what a schema wants: something to begin an example with. */
export function exampleOf(schema: unknown, level = 0): unknown {
  if (!isObject(schema) || level > MOST_LEVELS) return level === 0 ? {} : "…";
  const given = [schema.default, schema.const, first(schema.examples), first(schema.enum)].find((value) => value !== undefined);
  if (given !== undefined) return given;
  const choice = first(schema.anyOf) ?? first(schema.oneOf);
  if (isObject(choice) && schema.type === undefined && !schema.properties) return exampleOf(choice, level + 1);
  const type = first(schema.type) ?? schema.type;
  if (isObject(schema.properties) || level === 0) return exampleObject(schema, level);
  return exampleScalar(typeof type === "string" ? type : "string", schema);
}

function exampleObject(schema: Record<string, unknown>, level: number): Record<string, unknown> {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const entries = Object.entries(properties).map(([name, inner]) => [name, exampleOf(inner, level + 1)]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function exampleScalar(type: string, { minimum }: Record<string, unknown>): unknown {
  if (type === "number" || type === "integer") return typeof minimum === "number" ? minimum : 1;
  return ({ boolean: true, array: [], object: {}, null: null } as Record<string, unknown>)[type] ?? "text";
}

const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined);
