import type { Consent } from "./consent";
import type { Identity } from "./identity";
import { pageProperties, pageUrl } from "./pages";
import type { Queue } from "./queue";
import type { Options, Properties, TrackedEvent } from "./types";
import { uuid7 } from "./uuid";

const MAX_NAME = 128; // what the collector takes

export interface Recorder {
  /** Put an event into the queue; undefined when the visitor is not to be tracked. */
  capture: (name: string, properties?: Properties) => TrackedEvent | undefined;
  /** A view of the current page. */
  view: (properties?: Properties) => void;
  /** A view of the current page when it was not counted yet and is seen. */
  viewIfNew: () => void;
  /** Count the current page anew. */
  viewAgain: () => void;
  /** Applications often set the title after they have changed the address, so it is read again before the page's
   * view leaves the queue, or the page. */
  readTitle: () => void;
}

export function openRecorder(options: Options, consent: Consent, identity: Identity, queue: Queue): Recorder {
  let counted = ""; // the page that was counted last
  let untitled: TrackedEvent | undefined;

  function capture(name: string, properties: Properties = {}): TrackedEvent | undefined {
    if (!consent.isGiven()) return undefined;
    const now = new Date();
    const event = {
      event_id: uuid7(+now),
      event_type: name.slice(0, MAX_NAME),
      timestamp: now.toISOString(),
      user_id: identity.user(),
      anonymous_id: identity.anonymous(),
      session_id: identity.session(+now),
      page_url: pageUrl(options),
      properties,
    };
    queue.add(event);
    return event;
  }

  function view(properties?: Properties): void {
    readTitle();
    const event = capture("page_view", { ...pageProperties(counted || document.referrer), ...properties });
    counted = event?.page_url ?? "";
    untitled = properties?.title ? undefined : event;
  }

  function readTitle(): void {
    if (!untitled) return;
    untitled.properties.title = document.title;
    queue.rewrite(untitled);
    untitled = undefined;
  }

  function viewIfNew(): void {
    if (!options.manual && document.visibilityState === "visible" && counted !== pageUrl(options)) view();
  }

  function viewAgain(): void {
    counted = "";
    viewIfNew();
  }

  return { capture, view, viewIfNew, viewAgain, readTitle };
}
