import { watchClicks } from "./clicks";
import { openConsent } from "./consent";
import { startDelivery } from "./delivery";
import { openIdentity } from "./identity";
import { watchPages } from "./pages";
import { openQueue } from "./queue";
import { openRecorder } from "./recorder";
import { safely } from "./safely";
import { openStore } from "./store";
import type { Beatline, EarlyCall, Options } from "./types";
import { warn } from "./warn";

export type { Beatline, EarlyCall, Options, Properties } from "./types";

/** Begin to track this page. Calls made earlier count first, so that an identify() names the first page view too. */
export function start(options: Options, earlyCalls: EarlyCall[] = []): Beatline {
  const store = openStore(`beatline.${options.writeKey ?? ""}.`);
  const consent = openConsent(options);
  const identity = openIdentity(store);
  const queue = openQueue(store, () => delivery.soon());
  const { capture, view, viewIfNew, viewAgain, readTitle } = openRecorder(options, consent, identity, queue);
  const delivery = startDelivery(queue, store, options, consent.isGiven, readTitle);
  const forget = () => store.keys().forEach(store.remove);

  const tracker: Beatline = {
    track: safely(capture),
    identify: safely((userId, traits) => {
      if (!consent.isGiven()) return;
      identity.identify(String(userId));
      capture("$identify", traits);
    }),
    page: safely(view),
    location: safely((properties) => {
      if (!consent.isGiven()) return;
      const found = safely(({ coords: { latitude, longitude, accuracy } }: GeolocationPosition) =>
        capture("location", { latitude, longitude, accuracy, ...properties }));
      navigator.geolocation.getCurrentPosition(found, warn);
    }),
    reset: safely(identity.reset),
    optOut: safely(() => {
      consent.optOut();
      forget();
    }),
    optIn: safely(() => {
      if (consent.isGiven()) return;
      consent.optIn();
      viewAgain();
    }),
  };

  const begin = safely(() => {
    if (!consent.isGiven()) forget();
    watchPages(options, safely(viewIfNew), safely(viewAgain));
    watchClicks(safely(capture));
    delivery.begin();
  });

  for (const [name, ...parameters] of earlyCalls) {
    safely(tracker[name] as (...parameters: unknown[]) => void)(...parameters);
  }
  begin();
  return tracker;
}
