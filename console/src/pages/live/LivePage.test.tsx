import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { App } from "../../App";
import {
  fakeMatchMedia,
  jsonResponse,
  overview,
  pathOf,
  quietOverview,
  signedOut,
  throughput,
} from "../../testing/fakes";

// jsdom has no canvas; what the chart draws is checked in a browser.
vi.mock("../../components/LineChart", () => ({
  LineChart: ({ description }: { description: string }) => <div role="img" aria-label={description} />,
}));

type Answer = () => Response | Promise<Response>;

let answers: Record<string, Answer>;
let requests: string[];

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-01-01T12:00:00Z") });
  vi.stubGlobal("matchMedia", fakeMatchMedia({ dark: false }));
  window.history.replaceState(null, "", "/");
  requests = [];
  answers = {
    overview: () => jsonResponse(overview),
    throughput: () => jsonResponse(throughput),
    "active-sessions": () =>
      jsonResponse({ as_of: overview.as_of, window_seconds: 300, user_id: "usr_1", active_sessions: 3 }),
  };
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = pathOf(request);
    if (url === "/api/v1/account") return signedOut();
    requests.push(url);
    const name = /metrics\/([a-z-]+)/.exec(url)?.[1] ?? "";
    const answer = answers[name];
    if (!answer) throw new TypeError(`nothing at ${url}`);
    return answer();
  });
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const pass = (milliseconds: number) => act(() => vi.advanceTimersByTimeAsync(milliseconds));
const panel = (name: string) => within(screen.getByRole("region", { name }));
const overviewRequests = () => requests.filter((url) => url.includes("/overview")).length;
const unreachable = () => Promise.reject(new TypeError("Failed to fetch"));

async function openPage() {
  await import("./LivePage"); // the page is loaded when it is opened
  render(<App />);
  await pass(25);
  await pass(25);
}

test("given numbers then every panel shows its own", async () => {
  await openPage();
  expect(panel("Active users now").getByText("1,234")).toBeTruthy();
  expect(panel("Active sessions").getByText("1,500")).toBeTruthy();
  expect(panel("Top pages").getAllByRole("listitem")).toHaveLength(2);
  expect(panel("Top pages").getByText("50%")).toBeTruthy();
  expect(panel("Events per second").getByRole("img").getAttribute("aria-label")).toContain("120 now");
});

test("given 30 seconds then the numbers are renewed and the countdown says so before", async () => {
  await openPage();
  expect(screen.getByRole("timer").textContent).toBe("Next refresh in 30 s");
  await pass(10_000);
  expect(screen.getByRole("timer").textContent).toBe("Next refresh in 20 s");
  answers.overview = () => jsonResponse({ ...overview, active_users: 1300 });
  expect(overviewRequests()).toBe(1);
  await pass(20_500);
  expect(overviewRequests()).toBe(2);
  expect(panel("Active users now").getByText("1,300")).toBeTruthy();
  expect(panel("Active users now").getByText("66 more than at the refresh before.")).toBeTruthy();
});

test("given a press on refresh then it happens now, is announced, and the countdown starts again", async () => {
  await openPage();
  await pass(12_000);
  fireEvent.click(screen.getByRole("button", { name: "Refresh now" }));
  await pass(300);
  expect(overviewRequests()).toBe(2);
  expect(screen.getByRole("timer").textContent).toBe("Next refresh in 30 s");
  expect(screen.getByText(/^Refreshed at/)).toBeTruthy();
});

test("given a hidden page then nothing is asked, and on its return everything is renewed", async () => {
  await openPage();
  const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  const asked = requests.length;
  await pass(120_000);
  expect(requests).toHaveLength(asked);
  visibility.mockReturnValue("visible");
  act(() => void window.dispatchEvent(new Event("visibilitychange")));
  await pass(300);
  expect(requests.length - asked).toBe(2);
});

test("given no answer yet then skeletons are shown and no number", async () => {
  answers.overview = () => new Promise(() => {});
  await openPage();
  expect(screen.getByRole("region", { name: "Active users now" }).getAttribute("aria-busy")).toBe("true");
  expect(panel("Top pages").getAllByText("Loading")).toHaveLength(5);
  expect(screen.getByText(/Last updated/).textContent).toBe("Last updated not yet");
});

test("given a failure after numbers then they stay, with their age, and go fresh again later", async () => {
  await openPage();
  answers.overview = unreachable;
  await pass(33_000);
  const alert = screen.getByRole("alert");
  expect(alert.textContent).toContain("Beatline does not answer");
  expect(alert.textContent).toContain("Check that Beatline is running");
  expect(screen.getByText("33 s old")).toBeTruthy();
  expect(panel("Active users now").getByText("1,234")).toBeTruthy();
  expect(panel("Active users now").getByText(/^from \d\d:\d\d:\d\d$/)).toBeTruthy();
  answers.overview = () => jsonResponse(overview);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await pass(300);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(panel("Active users now").queryByText(/^from/)).toBeNull();
});

test("given a failure before any number then none is made up, also while it is tried again", async () => {
  answers.overview = unreachable;
  await openPage();
  await pass(2_000);
  expect(screen.getByText(/No numbers have arrived yet/)).toBeTruthy();
  expect(panel("Active users now").getByTitle("not known")).toBeTruthy();
  answers.overview = () => new Promise(() => {});
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await pass(300);
  expect(screen.getByRole("alert")).toBeTruthy();
});

test("given only the chart fails then the page has no alarm and the chart tells", async () => {
  await openPage();
  answers.throughput = () => jsonResponse({ code: "x", message: "No.", errors: {} }, 500);
  await pass(6_000);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(panel("Events per second").getByText(/The chart keeps trying/)).toBeTruthy();
  expect(panel("Events per second").getByText(/^from/)).toBeTruthy();
});

test("given nothing arrives then the next step is a command, and the first event shows soon", async () => {
  answers.overview = () => jsonResponse(quietOverview);
  await openPage();
  const command = panel("Waiting for events").getByText(/^curl -X POST/).textContent;
  expect(command).toContain(`${window.location.origin}/track`);
  answers.overview = () => jsonResponse(overview);
  await pass(5_500);
  expect(screen.queryByRole("region", { name: "Waiting for events" })).toBeNull();
  expect(panel("Active users now").getByText("1,234")).toBeTruthy();
});

test("given a user id is typed then it is asked for once, after a pause, and stands in the address", async () => {
  await openPage();
  const field = screen.getByLabelText("Only the sessions of this user id");
  for (const text of ["u", "us", "usr_1 "]) {
    fireEvent.change(field, { target: { value: text } });
    await pass(100);
  }
  expect(window.location.search).toBe("");
  await pass(500);
  expect(window.location.search).toBe("?user_id=usr_1");
  expect(requests.filter((url) => url.includes("/active-sessions"))).toEqual([
    "/api/v1/metrics/active-sessions?user_id=usr_1&project_id=1",
  ]);
  expect(panel("Active sessions").getByText("3")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Clear the user filter" }));
  await pass(50);
  expect(window.location.search).toBe("");
  expect(panel("Active sessions").getByText("1,500")).toBeTruthy();
});

test("given an address with a user id then the field holds it, and both numbers renew together", async () => {
  window.history.replaceState(null, "", "/?user_id=usr_1");
  await openPage();
  const field = screen.getByLabelText<HTMLInputElement>("Only the sessions of this user id");
  expect(field.value).toBe("usr_1");
  expect(panel("Active sessions").getByText("3")).toBeTruthy();
  const before = requests.filter((url) => url.includes("/active-sessions")).length;
  await pass(30_500);
  expect(requests.filter((url) => url.includes("/active-sessions"))).toHaveLength(before + 1);
});

test("given a user id that is refused then the field says why", async () => {
  answers["active-sessions"] = () =>
    jsonResponse({ code: "invalid", message: "Refused.", errors: { user_id: ["Holds NUL."] } }, 400);
  window.history.replaceState(null, "", "/?user_id=x");
  await openPage();
  const field = screen.getByLabelText("Only the sessions of this user id");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(panel("Active sessions").getByText("Refused. user_id: Holds NUL.")).toBeTruthy();
});
