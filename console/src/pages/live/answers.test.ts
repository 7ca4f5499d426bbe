import { expect, test, vi } from "vitest";

import { AS_OF, jsonResponse, overview, throughput } from "../../testing/fakes";
import { getActiveSessions, getOverview, getThroughput } from "./answers";

function answerWith(body: unknown) {
  vi.stubGlobal("fetch", async () => (body instanceof Response ? body : jsonResponse(body)));
}

test("given good answers then they are returned as they are", async () => {
  answerWith(overview);
  await expect(getOverview(1)).resolves.toEqual(overview);
  answerWith(throughput);
  await expect(getThroughput(1, { window: 300, step: 5 })).resolves.toEqual(throughput);
  const sessions = { as_of: AS_OF, window_seconds: 300, user_id: "a", active_sessions: 2 };
  answerWith(sessions);
  await expect(getActiveSessions(1, "a")).resolves.toEqual(sessions);
});

test.each([
  ["a login page", new Response("<html>Sign in</html>")],
  ["nothing", new Response("")],
  ["another object", {}],
  ["a missing number", { ...overview, active_users: undefined }],
  ["a number as text", { ...overview, active_users: "12" }],
  ["a negative count", { ...overview, page_views: -1 }],
  ["a page without views", { ...overview, top_pages: [{ page_url: "/" }] }],
  ["no time", { ...overview, as_of: "yesterday" }],
])("given a 200 with %s then it is not believed", async (_, body) => {
  answerWith(body);
  await expect(getOverview(1)).rejects.toMatchObject({ kind: "unexpected", isTransient: true });
});
