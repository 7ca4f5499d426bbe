import { isObject } from "../api/errors";

/** What is wrong with an event, {field: [message]} nested as the event is, as lines: "payload.url: Missing." */
export function errorLines(errors: unknown, path = ""): string[] {
  if (isObject(errors)) {
    return Object.entries(errors).flatMap(([name, inner]) => errorLines(inner, path ? `${path}.${name}` : name));
  }
  if (Array.isArray(errors)) return errors.flatMap((inner) => errorLines(inner, path));
  return [path ? `${path}: ${String(errors)}` : String(errors)];
}
