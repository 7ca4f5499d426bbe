/**
 * The one place that talks to the collector. Paths, parameters and answers have the types of its
 * OpenAPI document (openapi.json), so an API that changed shows in `npm run check`.
 */
import createClient from "openapi-fetch";

import { ApiError } from "./errors";
import type { components, paths } from "./schema";
import { send } from "./send";

export { ApiError, isSignedOut } from "./errors";

/** The schemas of the document: `Schemas["Account"]`. */
export type Schemas = components["schemas"];
export type Account = Schemas["Account"];
export type Permission = Schemas["ApiTokenBody"]["scopes"][number];
export type Role = NonNullable<Schemas["RoleBody"]["role"]>;

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  headers: { accept: "application/json" },
  fetch: (request) => send(request),
});

/**
 * The content of an answer. Throws an `ApiError` for everything else.
 *
 *     answer(api.GET("/api/v1/account", { signal }))
 */
export async function answer<T>(asked: Promise<{ data?: T; response: Response }>): Promise<T> {
  try {
    return (await asked).data as T;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ApiError("unexpected", "The answer is not the documented JSON");
  }
}
