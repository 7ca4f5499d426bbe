import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { anEvent, fakeBeacon, fakeCollector, setVisibility } from "./testing/collector";
import { start } from "./tracker";
import type { EarlyCall, Options, Properties } from "./types";

let collector: ReturnType<typeof fakeCollector>;
let pages = 0;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime("2026-03-04T12:00:00Z");
  vi.spyOn(console, "warn").mockReturnValue();
  localStorage.clear();
  document.title = "Start";
  document.body.innerHTML = "";
  history.replaceState({}, "", "/");
  setVisibility("visible");
  collector = fakeCollector();
  fakeBeacon();
});

afterEach(() => {
  vi.useRealTimers();
  for (const [object, name] of [[navigator, "doNotTrack"], [navigator, "globalPrivacyControl"],
    [navigator, "geolocation"], [document, "prerendering"]] as const) Reflect.deleteProperty(object, name);
});

function set(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true });
}

/** A tracker with a write key of its own, so that those of earlier tests, which go on, are told from it. */
function open(options: Partial<Options> = {}, earlyCalls: EarlyCall[] = []) {
  const writeKey = `page${++pages}`;
  const tracker = start({ host: "https://events.example", writeKey, ...options }, earlyCalls);
  const prefix = `beatline.${writeKey}.`;

  async function sent() {
    await vi.advanceTimersByTimeAsync(1_000);
    return collector.batches().filter((_, index) => collector.urls[index]?.endsWith(`=${writeKey}`)).flat();
  }
  const types = async () => (await sent()).map(({ event_type }) => event_type);
  const urls = async () => (await sent()).filter(isView).map(({ page_url }) => page_url.replace(location.origin, ""));
  const stored = () => Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  return { tracker, sent, types, urls, stored, prefix };
}

const isView = ({ event_type }: { event_type: string }) => event_type === "page_view";

test("it works", async () => {
  history.replaceState({}, "", "/shoes?utm_source=mail&utm_campaign=spring&size=9#reviews");
  document.title = "Shoes";
  const { tracker, sent } = open();
  tracker.track("added", { sku: 7 });
  const [view, added] = await sent();

  expect(view).toEqual({
    event_id: expect.any(String) as string,
    event_type: "page_view",
    timestamp: "2026-03-04T12:00:00.000Z",
    anonymous_id: expect.any(String) as string,
    session_id: expect.any(String) as string,
    page_url: `${location.origin}/shoes?utm_source=mail&utm_campaign=spring&size=9`,
    properties: {
      title: "Shoes", screen_width: screen.width, screen_height: screen.height,
      utm_source: "mail", utm_campaign: "spring",
    },
  });
  expect(added).toMatchObject({
    event_type: "added", properties: { sku: 7 }, page_url: view?.page_url,
    anonymous_id: view?.anonymous_id, session_id: view?.session_id,
  });
  expect(added?.event_id).not.toBe(view?.event_id);
});

test.each<[string, Partial<Options>, (() => void)[], string[]]>([
  ["pushState is a view", {}, [() => history.pushState({}, "", "/a")], ["/", "/a"]],
  ["replaceState to another page is a view", {}, [() => history.replaceState({}, "", "/a")], ["/", "/a"]],
  ["the same address is not", {}, [
    () => history.replaceState({ scroll: 1 }, "", "/"), () => history.pushState({}, "", "/"),
  ], ["/"]],
  ["a query is part of the page", {}, [() => history.pushState({}, "", "/?page=2")], ["/", "/?page=2"]],
  ["a fragment is not", {}, [() => history.pushState({}, "", "/#top")], ["/"]],
  ["it is in hash mode", { hash: true }, [() => history.pushState({}, "", "/#/cart")], ["/", "/#/cart"]],
  ["there and back are two more", {}, [
    () => history.pushState({}, "", "/a"), () => history.pushState({}, "", "/"),
  ], ["/", "/a", "/"]],
  ["popstate is a view", {}, [() => {
    History.prototype.replaceState.call(history, {}, "", "/back");
    window.dispatchEvent(new PopStateEvent("popstate"));
  }], ["/", "/back"]],
  ["hashchange is one in hash mode", { hash: true }, [() => {
    History.prototype.replaceState.call(history, {}, "", "/#/b");
    window.dispatchEvent(new Event("hashchange"));
  }], ["/", "/#/b"]],
  ["coming out of the back/forward cache is a view", {}, [
    () => window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true })),
    () => window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false })),
  ], ["/", "/"]],
  ["in manual mode nothing is", { manual: true }, [() => history.pushState({}, "", "/a")], []],
])("page views: %s", async (_, options, steps, expected) => {
  const { urls } = open(options);
  steps.forEach((step) => step());
  expect(await urls()).toEqual(expected);
});

test("a view inside of the page has the page before it as referrer", async () => {
  vi.spyOn(document, "referrer", "get").mockReturnValue("https://search.example/");
  const { sent } = open();
  history.pushState({}, "", "/a");
  const referrers = (await sent()).map(({ properties }) => properties.referrer);
  expect(referrers).toEqual(["https://search.example/", `${location.origin}/`]);
});

test("a title set after the address belongs to the view", async () => {
  const { sent } = open();
  history.pushState({}, "", "/a");
  document.title = "A";
  await Promise.resolve();
  history.pushState({}, "", "/b");
  document.title = "B";
  expect((await sent()).map(({ properties }) => properties.title)).toEqual(["Start", "A", "B"]);
});

test("page() counts the page once more, with what the page says of it", async () => {
  const { tracker, sent } = open();
  tracker.page({ title: "Mine", section: "shoes" });
  const [, view] = await sent();
  expect(view?.properties).toMatchObject({ title: "Mine", section: "shoes", screen_width: screen.width });
});

test("a page that is not seen is counted when it is, under the address that it then has", async () => {
  setVisibility("hidden");
  const { urls } = open();
  history.pushState({}, "", "/a");
  expect(await urls()).toEqual([]);
  setVisibility("visible");
  expect(await urls()).toEqual(["/a"]);
});

test("in a page prepared ahead nothing happens until it is there", async () => {
  set(document, "prerendering", true);
  const { tracker, types, stored } = open();
  tracker.track("early");
  expect([await types(), stored()]).toEqual([[], []]);

  set(document, "prerendering", false);
  document.dispatchEvent(new Event("prerenderingchange"));
  expect(await types()).toEqual(["page_view", "early"]);
});

test("calls made before the script had loaded count, and name the first view's user", async () => {
  const { sent } = open({}, [["identify", "u1"], ["track", "early", { a: 1 }]]);
  expect((await sent()).map(({ event_type, user_id }) => [event_type, user_id])).toEqual([
    ["$identify", "u1"], ["early", "u1"], ["page_view", "u1"],
  ]);
});

test("identify tells the user with traits, and every later event has them", async () => {
  const { tracker, sent } = open();
  tracker.identify(17, { plan: "pro" });
  tracker.track("later");
  const [view, identify, later] = await sent();

  expect(view?.user_id).toBeUndefined();
  expect(identify).toMatchObject({
    event_type: "$identify", user_id: "17", properties: { plan: "pro" }, anonymous_id: view?.anonymous_id,
  });
  expect(later?.user_id).toBe("17");
  tracker.reset();
  tracker.track("anonymous again");
  const last = (await sent())[3];
  expect(last?.user_id).toBeUndefined();
  expect(last?.anonymous_id).not.toBe(view?.anonymous_id);
});

test.each<[string, string, [string, Properties][]]>([
  ["its name and properties", '<button id="x" data-beatline-event="buy" data-beatline-product-id="7" data-beatline-size="">',
    [["buy", { product_id: "7", size: "" }]]],
  ["a click inside of it", '<a data-beatline-event="open"><b id="x">Open</b></a>', [["open", {}]]],
  ["the innermost one", '<div data-beatline-event="outer"><b id="x" data-beatline-event="inner"></b></div>', [["inner", {}]]],
  ["nothing else", '<button id="x" data-beatline-size="9">', []],
])("clicks: %s", async (_, html, expected) => {
  const { sent } = open({ manual: true });
  document.body.innerHTML = html;
  const element = document.querySelector<HTMLElement>("#x");
  element?.addEventListener("click", (event) => event.stopPropagation());
  element?.click();
  expect((await sent()).map(({ event_type, properties }) => [event_type, properties])).toEqual(expected);
});

test("location asks only when it is called, and sends what it hears", async () => {
  const coords = { latitude: 52.5, longitude: 13.4, accuracy: 20, altitude: null };
  const getCurrentPosition = vi.fn((found: (position: unknown) => void) => found({ coords }));
  set(navigator, "geolocation", { getCurrentPosition });
  const { tracker, sent } = open({ manual: true });
  expect(getCurrentPosition).not.toHaveBeenCalled();

  tracker.location({ why: "delivery" });
  expect(await sent()).toMatchObject([
    { event_type: "location", properties: { latitude: 52.5, longitude: 13.4, accuracy: 20, why: "delivery" } },
  ]);
});

test.each([
  ["Do Not Track", "doNotTrack", "1"],
  ["Global Privacy Control", "globalPrivacyControl", true],
])("given %s, nothing is sent or stored, and what was stored is forgotten", async (_, name, value) => {
  set(navigator, name, value);
  const getCurrentPosition = vi.fn();
  set(navigator, "geolocation", { getCurrentPosition });
  localStorage.setItem(`beatline.page${pages + 1}.anonymous`, "a");
  localStorage.setItem(`beatline.page${pages + 1}.q.1`, `0${JSON.stringify(anEvent())}`);
  const { tracker, types, stored } = open();
  tracker.identify("u1");
  tracker.track("x");
  tracker.page();
  tracker.location();
  history.pushState({}, "", "/a");

  expect([await types(), stored()]).toEqual([[], []]);
  expect(getCurrentPosition).not.toHaveBeenCalled();
});

test("data-ignore-dnt tracks all the same", async () => {
  set(navigator, "doNotTrack", "1");
  expect(await open({ ignoreDnt: true }).types()).toEqual(["page_view"]);
});

test("opting out forgets everything but that, and opting in begins anew", async () => {
  const { tracker, types, stored } = open();
  tracker.optOut();
  tracker.track("x");
  expect([await types(), stored()]).toEqual([[], []]);
  expect(localStorage.getItem("beatline.out")).toBe("1");

  tracker.optIn();
  tracker.optIn();
  tracker.track("y");
  expect(await types()).toEqual(["page_view", "y"]);
  tracker.optOut();
  tracker.optOut();
  tracker.optIn();
  expect(await types()).toEqual(["page_view", "y", "page_view"]);
});

test("a mistake of the page is told to its developer and breaks nothing", async () => {
  const { tracker, types } = open({}, [["nonsense"] as unknown as EarlyCall]);
  const circle: Properties = {};
  circle.circle = circle;
  tracker.track("circle", circle);
  tracker.track(undefined as unknown as string);
  tracker.track("fine");
  expect(console.warn).toHaveBeenCalledTimes(3);
  expect(await types()).toEqual(["page_view", "fine"]);
});

test("names and addresses are cut to what the collector takes", async () => {
  history.replaceState({}, "", `/${"x".repeat(3_000)}`);
  const { tracker, sent } = open();
  tracker.track("y".repeat(200));
  const [view, long] = await sent();
  expect(view?.page_url).toHaveLength(2_048);
  expect(long?.event_type).toHaveLength(128);
});
