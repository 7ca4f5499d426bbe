import { optionsOf } from "./options";
import { start } from "./tracker";
import type { Beatline, EarlyCall } from "./types";

declare global {
  interface Window {
    /** The tracker; until it has loaded, the page's stub with the calls made so far. */
    beatline?: Beatline & { early?: EarlyCall[] };
  }
}

const script = document.currentScript;
const stub = window.beatline;
if (script instanceof HTMLScriptElement && (!stub || stub.early)) {
  window.beatline = start(optionsOf(script), stub?.early);
}
