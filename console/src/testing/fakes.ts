import { vi } from "vitest";

import type { Account } from "../api/client";
import type { Overview, Throughput } from "../pages/live/answers";

/** A matchMedia for jsdom, which has none. */
export function fakeMatchMedia({ dark }: { dark: boolean }) {
  return (query: string) => ({
    matches: query.includes("dark") && dark,
    addEventListener: vi.fn<() => void>(),
    removeEventListener: vi.fn<() => void>(),
  });
}

export function jsonResponse(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}

/** The answer to whoever has not signed in. */
export function signedOut(): Response {
  return jsonResponse({ code: "unauthorized", message: "Sign in, or send a token.", errors: {} }, 401);
}

/** What a request asks for: path and query. */
export function pathOf(request: Request): string {
  const { pathname, search } = new URL(request.url);
  return pathname + search;
}

export const account: Account = {
  account_id: "01a203d7-6426-7799-8e1d-a86421fdc728",
  email: "ann@example.com",
  name: "Ann",
  permissions: [],
  projects: [
    { project_id: 1, name: "default", permissions: ["numbers:read", "catalogue:read"] },
    { project_id: 3, name: "shop", permissions: ["numbers:read", "events:read"] },
  ],
};

export const AS_OF = "2026-01-01T12:00:00.000000+00:00";

export const overview: Overview = {
  as_of: AS_OF,
  active_users: 1234,
  active_sessions: 1500,
  page_views: 200,
  events_per_second: 98.5,
  top_pages: [
    { page_url: "/products/electronics", views: 100 },
    { page_url: "/cart", views: 40 },
  ],
  windows: { active_users: 300, active_sessions: 300, top_pages: 900 },
};

export const quietOverview: Overview = {
  ...overview,
  active_users: 0,
  active_sessions: 0,
  page_views: 0,
  events_per_second: 0,
  top_pages: [],
};

export const throughput: Throughput = {
  as_of: AS_OF,
  step_seconds: 5,
  points: [
    { at: "2026-01-01T11:59:50.000000+00:00", events: 400, events_per_second: 80 },
    { at: "2026-01-01T11:59:55.000000+00:00", events: 600, events_per_second: 120 },
  ],
};
