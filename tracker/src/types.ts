/** Values of JSON; a property that is undefined is left out. */
export type Properties = Record<string, unknown>;

export interface Options {
  /** Where the collector is, without a slash at its end: https://events.example.com */
  host: string;
  /** The project's write key; without one, events go to the default project while ingest is open. */
  writeKey?: string;
  /** Count no page views by itself; the page calls page(). */
  manual?: boolean;
  /** The fragment is part of the page's address, and a change of it a page view. */
  hash?: boolean;
  /** Track in spite of Do Not Track and Global Privacy Control. */
  ignoreDnt?: boolean;
}

/** What pages call: `window.beatline`, or what start() gives. */
export interface Beatline {
  /** A custom event. */
  track: (name: string, properties?: Properties) => void;
  /** Who this is from now on. Another user than before also begins a new anonymous id and session. */
  identify: (userId: string | number, traits?: Properties) => void;
  /** A view of the current page, whether it was counted already or not. */
  page: (properties?: Properties) => void;
  /** Ask where the user is, and send it. The browser asks for permission the first time. */
  location: (properties?: Properties) => void;
  /** Forget who this is, at a logout: the next event has a new anonymous id and session. */
  reset: () => void;
  /** Send and store nothing any more on this site; what waits to be sent is dropped. */
  optOut: () => void;
  /** Take optOut() back. */
  optIn: () => void;
}

/** A call made before the script had loaded: the method's name and its arguments. */
export type EarlyCall = { [Name in keyof Beatline]: [Name, ...Parameters<Beatline[Name]>] }[keyof Beatline];

/** An event of POST /api/v1/analytics/batch/. */
export interface TrackedEvent {
  event_id: string;
  event_type: string;
  timestamp: string;
  user_id: string | undefined;
  anonymous_id: string;
  session_id: string;
  page_url: string;
  properties: Properties;
}
