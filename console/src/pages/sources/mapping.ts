import { isObject } from "../../api/errors";

/** Which JMESPath gives which field of the event; null takes a field away (docs/webhooks.md). */
export type Mapping = Record<string, string | null | Record<string, string | null>>;

export const FIELDS = [
  "event_type", "event_id", "user_id", "distinct_id", "anonymous_id", "session_id", "device_id", "timestamp",
  "page_url", "app_version", "os_name", "os_version", "properties",
];

export const EXAMPLE = `{
  "event_type": "join('.', ['order', body.state])",
  "user_id": "body.buyer.email",
  "properties": { "total": "body.total" }
}`;

export type ReadMapping = { mapping: Mapping | null; problems: string[] };

/**
 * A mapping as it was typed; nothing typed is none. Whether each text is a JMESPath is for the API to
 * say, the rest is told here.
 */
export function readMapping(text: string): ReadMapping {
  if (text.trim() === "") return { mapping: null, problems: [] };
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    return { mapping: null, problems: [`This is no JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
  if (!isObject(given)) return { mapping: null, problems: ["A mapping is an object: { field: expression }."] };
  const problems = Object.entries(given).flatMap(([name, value]) => problemsOf(name, value));
  return problems.length > 0 ? { mapping: null, problems } : { mapping: given as Mapping, problems };
}

function problemsOf(name: string, value: unknown): string[] {
  if (!FIELDS.includes(name)) return [`An event has no field ${name}.`];
  if (name !== "properties" || !isObject(value)) return isExpression(value) ? [] : [notOne(name)];
  return Object.entries(value).flatMap(([key, inner]) => (isExpression(inner) ? [] : [notOne(`${name}.${key}`)]));
}

const isExpression = (value: unknown): boolean => value === null || (typeof value === "string" && value.trim() !== "");

const notOne = (name: string): string => `${name} has to be a JMESPath expression as a text, or null.`;
