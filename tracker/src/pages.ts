import type { Options, Properties } from "./types";

const MAX_URL = 2_048; // what the collector takes

/** The address of the current page; its fragment only where that is what tells pages apart. */
export function pageUrl({ hash }: Options): string {
  const url = hash ? location.href : location.href.replace(/#.*/, "");
  return url.slice(0, MAX_URL);
}

export function pageProperties(referrer: string): Properties {
  const campaign = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith("utm_"));
  return {
    title: document.title,
    referrer: referrer || undefined,
    screen_width: screen.width,
    screen_height: screen.height,
    ...Object.fromEntries(campaign),
  };
}

/** Calls back whenever the page may have become another one: now, on navigation inside of the page, and when it comes
 * back from the browser's back/forward cache, which counts as a new visit to it. */
export function watchPages({ hash }: Options, maybeNew: () => void, again: () => void): void {
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name].bind(history);
    history[name] = (...parameters) => {
      original(...parameters);
      maybeNew();
    };
  }
  addEventListener("popstate", maybeNew);
  if (hash) addEventListener("hashchange", maybeNew);
  addEventListener("pageshow", (event) => event.persisted && again());
  document.addEventListener("visibilitychange", maybeNew);
  maybeNew();
}
