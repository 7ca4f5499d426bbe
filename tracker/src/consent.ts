import { openStore } from "./store";
import type { Options } from "./types";

const OPTED_OUT = "out";

export interface Consent {
  isGiven: () => boolean;
  optOut: () => void;
  optIn: () => void;
}

/** Whether this visitor may be tracked. An opt-out holds for the whole site, whatever its write keys. */
export function openConsent({ ignoreDnt }: Options): Consent {
  const site = openStore("beatline.");
  return {
    isGiven: () => !site.get(OPTED_OUT) && (ignoreDnt === true || !wantsNoTracking()),
    optOut: () => site.set(OPTED_OUT, "1"),
    optIn: () => site.remove(OPTED_OUT),
  };
}

function wantsNoTracking(): boolean {
  const { doNotTrack, globalPrivacyControl } = navigator as { doNotTrack?: string; globalPrivacyControl?: boolean };
  return doNotTrack === "1" || globalPrivacyControl === true;
}
