export const SIGN_IN = "/sign-in";

/** The sign-in page's address that leads to `wanted` afterwards. */
export function signInPath(wanted: string): string {
  return wanted === "/" ? SIGN_IN : `${SIGN_IN}?${new URLSearchParams({ next: wanted })}`;
}

/** Where to go after signing in; only to pages of the console, whatever the address says. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/";
  const { origin, pathname, search: query } = new URL(next, window.location.origin);
  return origin === window.location.origin && next.startsWith("/") ? pathname + query : "/";
}
