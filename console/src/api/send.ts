import { ApiError, toApiError } from "./errors";

export const REQUEST_TIMEOUT_MS = 10_000;
/** For what may take its time: the collector itself ends it before. */
const PATIENCE_MS = 30_000;

const AUTH = "/api/v1/auth/";
const REFRESH = `${AUTH}refresh`;
const CSRF_HEADER = "X-CSRF-TOKEN";
const ACCESS_COOKIE = "csrf_access_token";
const REFRESH_COOKIE = "csrf_refresh_token";

/**
 * Sends a request with the session's cookies, and once more with new ones when the access token has
 * ended meanwhile. Whatever is no success is thrown as an `ApiError`.
 */
export async function send(request: Request, timeoutMs = REQUEST_TIMEOUT_MS): Promise<Response> {
  const second = request.clone();
  const access = readCookie(ACCESS_COOKIE);
  let response = await fetchInTime(request, timeoutMs);
  if (response.status === 401 && mayRefresh(request.url) && (await hasNewTokens(access))) {
    response = await fetchInTime(second, timeoutMs);
  }
  if (!response.ok) throw await toApiError(response);
  return response;
}

/** The same for what may take long. */
export const sendPatiently = (request: Request): Promise<Response> => send(request, PATIENCE_MS);

/** Signing in and out say themselves what is wrong; everything else may have lost its access token. */
function mayRefresh(url: string): boolean {
  const { pathname } = new URL(url);
  return !pathname.startsWith(AUTH) || pathname === `${AUTH}logout` || pathname === `${AUTH}logout-everywhere`;
}

/** Whether there are other tokens than those of the refused request: another one may have got them. */
async function hasNewTokens(refused: string): Promise<boolean> {
  const now = readCookie(ACCESS_COOKIE);
  return (now !== "" && now !== refused) || refreshOnce();
}

let refreshing: Promise<boolean> | undefined;

/** Many requests that are refused at the same moment share one refresh. */
function refreshOnce(): Promise<boolean> {
  refreshing ??= refresh().finally(() => (refreshing = undefined));
  return refreshing;
}

async function refresh(): Promise<boolean> {
  const token = readCookie(REFRESH_COOKIE);
  if (!token) return false;
  const url = new URL(REFRESH, window.location.origin);
  const response = await fetchInTime(new Request(url, { method: "POST" }), REQUEST_TIMEOUT_MS, token);
  if (response.ok || response.status === 401) return response.ok;
  throw await toApiError(response);
}

async function fetchInTime(request: Request, timeoutMs: number, csrf = readCookie(ACCESS_COOKIE)): Promise<Response> {
  const timeout = AbortSignal.timeout(timeoutMs);
  if (request.method !== "GET" && csrf) request.headers.set(CSRF_HEADER, csrf);
  try {
    return await fetch(request, {
      cache: "no-store",
      signal: AbortSignal.any([request.signal, timeout]),
    });
  } catch (error) {
    if (request.signal.aborted) throw error;
    if (timeout.aborted) {
      throw new ApiError("timeout", `No answer within ${timeoutMs / 1000} seconds`);
    }
    throw new ApiError("unreachable", "No answer from the collector");
  }
}

/** The cookies that scripts may read: the CSRF tokens of those that they may not. */
export function readCookie(name: string): string {
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}
