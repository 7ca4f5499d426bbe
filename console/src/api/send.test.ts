import { beforeEach, expect, test, vi } from "vitest";

import { account, jsonResponse, pathOf, signedOut } from "../testing/fakes";
import { answer, api, ApiError } from "./client";
import { REQUEST_TIMEOUT_MS } from "./send";

type Answer = (request: Request) => Response | Promise<Response>;

let requests: Request[];

beforeEach(() => {
  requests = [];
  for (const name of ["csrf_access_token", "csrf_refresh_token"]) document.cookie = `${name}=; max-age=0`;
});

function collector(respond: Answer) {
  vi.stubGlobal("fetch", async (request: Request) => {
    requests.push(request);
    return respond(request);
  });
}

/** A collector whose access tokens are named in the CSRF cookie; only the current one is good. */
function collectorWithTokens({ refreshes }: { refreshes: boolean }) {
  document.cookie = "csrf_access_token=old";
  document.cookie = "csrf_refresh_token=follow";
  collector((request) => {
    if (pathOf(request) !== "/api/v1/auth/refresh") {
      return document.cookie.includes("csrf_access_token=new") ? jsonResponse(account) : signedOut();
    }
    if (!refreshes) return signedOut();
    document.cookie = "csrf_access_token=new";
    return jsonResponse({});
  });
}

const getAccount = () => answer(api.GET("/api/v1/account"));
const rename = () => answer(api.PATCH("/api/v1/account", { body: { name: "Ann" } }));
const asked = (path: string) => requests.filter((request) => pathOf(request) === path);

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error(`expected an ApiError, not ${String(error)}`);
  return error;
}

test("given a good answer then its content is returned", async () => {
  collector(() => jsonResponse(account));
  await expect(getAccount()).resolves.toEqual(account);
});

test("given reserved characters then they arrive whole", async () => {
  collector(() => jsonResponse({ entries: [], next_cursor: null }));
  await answer(api.GET("/api/v1/audit-log", { params: { query: { actor: "a&b=c d" } } }));
  expect(requests.map(pathOf)).toEqual(["/api/v1/audit-log?actor=a%26b%3Dc%20d"]);
});

test("given an unsafe request then it carries the CSRF token, and a reading one does not", async () => {
  document.cookie = "csrf_access_token=twin";
  collector(() => new Response(null, { status: 204 }));
  await rename();
  await getAccount();
  expect(requests.map((request) => request.headers.get("X-CSRF-TOKEN"))).toEqual(["twin", null]);
});

test("given many requests with an ended access token then one refresh serves them all", async () => {
  collectorWithTokens({ refreshes: true });
  await Promise.all([getAccount(), getAccount(), rename()]);
  expect(asked("/api/v1/auth/refresh")).toHaveLength(1);
  expect(asked("/api/v1/auth/refresh")[0]?.headers.get("X-CSRF-TOKEN")).toBe("follow");
  const [, second] = asked("/api/v1/account").filter(({ method }) => method === "PATCH");
  expect(second?.headers.get("X-CSRF-TOKEN")).toBe("new");
  await expect(second?.json()).resolves.toEqual({ name: "Ann" });
});

test("given another tab has refreshed meanwhile then no second refresh is asked for", async () => {
  document.cookie = "csrf_access_token=old";
  document.cookie = "csrf_refresh_token=follow";
  collector(() => {
    if (requests.length > 1) return jsonResponse(account);
    document.cookie = "csrf_access_token=of-the-other-tab";
    return signedOut();
  });
  await expect(getAccount()).resolves.toEqual(account);
  expect(asked("/api/v1/auth/refresh")).toHaveLength(0);
});

test("given a session that is over then it says so after one attempt", async () => {
  collectorWithTokens({ refreshes: false });
  expect(await failure(getAccount())).toMatchObject({ status: 401 });
  expect(requests.map(pathOf)).toEqual(["/api/v1/account", "/api/v1/auth/refresh"]);
});

test("given nobody has signed in, or a wrong password, then no refresh is asked for", async () => {
  collector(signedOut);
  await failure(getAccount());
  document.cookie = "csrf_refresh_token=follow";
  const body = { email: "ann@example.com", password: "wrong" };
  await failure(answer(api.POST("/api/v1/auth/login", { body })));
  expect(requests.map(pathOf)).toEqual(["/api/v1/account", "/api/v1/auth/login"]);
});

test("given a collector that fails while refreshing then the session is not called over", async () => {
  document.cookie = "csrf_refresh_token=follow";
  collector((request) => (request.method === "POST" ? jsonResponse({ message: "No." }, 503) : signedOut()));
  expect(await failure(getAccount())).toMatchObject({ status: 503, isTransient: true });
});

test("given the collector's error shape then code, message, nested fields and request id are read", async () => {
  const body = {
    code: "invalid",
    message: "Refused.",
    errors: { payload: { url: ["Missing."] }, limit: ["Not a number.", "Too small."] },
    request_id: "req-1",
  };
  collector(() => jsonResponse(body, 400));
  expect(await failure(getAccount())).toMatchObject({
    kind: "refused",
    status: 400,
    code: "invalid",
    message: "Refused.",
    requestId: "req-1",
    fields: { "payload.url": ["Missing."], limit: ["Not a number.", "Too small."] },
    isTransient: false,
  });
});

test("given too many requests then the waiting time is read", async () => {
  const body = JSON.stringify({ code: "too_many_requests", message: "Slowly." });
  collector(() => new Response(body, { status: 429, headers: { "Retry-After": "17" } }));
  expect(await failure(getAccount())).toMatchObject({ status: 429, retryAfter: 17 });
});

test.each([
  ["a proxy's page", () => new Response("<html>", { status: 502 })],
  ["JSON of another shape", () => jsonResponse({ error: "x" }, 502)],
  ["no body", () => new Response(null, { status: 502 })],
])("given a 502 with %s then the status is told and it counts as passing", async (_, respond) => {
  collector(respond);
  expect(await failure(getAccount())).toMatchObject({ kind: "refused", status: 502, isTransient: true, fields: {} });
});

test("given a login page where JSON was expected then it is not believed", async () => {
  collector(() => new Response("<html>Sign in</html>"));
  expect(await failure(getAccount())).toMatchObject({ kind: "unexpected", isTransient: true });
});

test("given nobody answers then it is unreachable", async () => {
  collector(() => Promise.reject(new TypeError("Failed to fetch")));
  expect(await failure(getAccount())).toMatchObject({ kind: "unreachable", isTransient: true });
});

test("given the time limit passes then it is a timeout", async () => {
  vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    expect(milliseconds).toBe(REQUEST_TIMEOUT_MS);
    return AbortSignal.abort();
  });
  collector(() => Promise.reject(new DOMException("late", "TimeoutError")));
  expect(await failure(getAccount())).toMatchObject({ kind: "timeout" });
});

test("given the caller gives up then its own abort comes out, not an ApiError", async () => {
  collector(() => Promise.reject(new DOMException("stopped", "AbortError")));
  const aborted = api.GET("/api/v1/account", { signal: AbortSignal.abort() });
  await expect(answer(aborted)).rejects.toThrow("stopped");
});
