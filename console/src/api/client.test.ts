import { expect, test, vi } from "vitest";

import { AS_OF, jsonResponse, overview, throughput } from "../testing/fakes";
import {
  ApiError,
  getActiveSessions,
  getOverview,
  getThroughput,
  REQUEST_TIMEOUT_MS,
} from "./client";

type Fetch = typeof globalThis.fetch;

function answerWith(answer: () => Promise<Response>) {
  const fetchMock = vi.fn<Fetch>(answer);
  vi.stubGlobal("fetch", fetchMock);
  return fetchMock;
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error(`expected an ApiError, not ${String(error)}`);
  return error;
}

test("given good answers then they are returned as they are", async () => {
  answerWith(async () => jsonResponse(overview));
  await expect(getOverview()).resolves.toEqual(overview);
  answerWith(async () => jsonResponse(throughput));
  await expect(getThroughput(300, 5)).resolves.toEqual(throughput);
});

test("given a user id with reserved characters then it arrives whole", async () => {
  const sessions = { as_of: AS_OF, window_seconds: 300, user_id: "a&b=c d", active_sessions: 2 };
  const fetchMock = answerWith(async () => jsonResponse(sessions));
  await getActiveSessions("a&b=c d");
  expect(fetchMock.mock.calls[0]?.[0]).toBe("/api/v1/metrics/active-sessions?user_id=a%26b%3Dc+d");
});

test("given the collector's error shape then code, message, nested fields and request id are read", async () => {
  const body = {
    code: "invalid",
    message: "Refused.",
    errors: { payload: { url: ["Missing."] }, limit: ["Not a number.", "Too small."] },
    request_id: "req-1",
  };
  answerWith(async () => jsonResponse(body, 400));
  const error = await failure(getOverview());
  expect(error).toMatchObject({
    kind: "refused",
    status: 400,
    code: "invalid",
    message: "Refused.",
    requestId: "req-1",
    fields: { "payload.url": ["Missing."], limit: ["Not a number.", "Too small."] },
    isTransient: false,
  });
});

test.each([
  ["a proxy's page", new Response("<html>", { status: 502 })],
  ["JSON of another shape", jsonResponse({ error: "x" }, 502)],
  ["no body", new Response(null, { status: 502 })],
])("given a 502 with %s then the status is told and it counts as passing", async (_, response) => {
  answerWith(async () => response);
  const error = await failure(getOverview());
  expect(error).toMatchObject({ kind: "refused", status: 502, isTransient: true, fields: {} });
});

test.each([
  ["a login page", new Response("<html>Sign in</html>")],
  ["nothing", new Response("")],
  ["another object", jsonResponse({})],
  ["a missing number", jsonResponse({ ...overview, active_users: undefined })],
  ["a number as text", jsonResponse({ ...overview, active_users: "12" })],
  ["a negative count", jsonResponse({ ...overview, page_views: -1 })],
  ["a page without views", jsonResponse({ ...overview, top_pages: [{ page_url: "/" }] })],
  ["no time", jsonResponse({ ...overview, as_of: "yesterday" })],
])("given a 200 with %s then it is not believed", async (_, response) => {
  answerWith(async () => response);
  expect(await failure(getOverview())).toMatchObject({ kind: "unexpected", isTransient: true });
});

test("given nobody answers then it is unreachable", async () => {
  answerWith(() => Promise.reject(new TypeError("Failed to fetch")));
  expect(await failure(getOverview())).toMatchObject({ kind: "unreachable", isTransient: true });
});

test("given the time limit passes then it is a timeout", async () => {
  vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    expect(milliseconds).toBe(REQUEST_TIMEOUT_MS);
    return AbortSignal.abort();
  });
  answerWith(() => Promise.reject(new DOMException("late", "TimeoutError")));
  expect(await failure(getOverview())).toMatchObject({ kind: "timeout" });
});

test("given the caller gives up then its own abort comes out, not an ApiError", async () => {
  answerWith(() => Promise.reject(new DOMException("stopped", "AbortError")));
  await expect(getOverview(AbortSignal.abort())).rejects.toThrow("stopped");
});
