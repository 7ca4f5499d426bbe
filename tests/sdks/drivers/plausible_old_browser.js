// plausible-tracker in a page: drive({host, key}) sends its whole repertoire; key is the site's domain.
import Plausible from "sdk";

window.drive = ({ host, key }) => {
  const tracker = Plausible({ domain: key, apiHost: host, trackLocalhost: true });
  const sent = (call) => new Promise((callback) => call({ callback }));
  return Promise.all([
    sent(({ callback }) => tracker.trackPageview({}, { callback, props: { theme: "dark" } })),
    sent(({ callback }) => tracker.trackEvent("Signup", { callback, props: { plan: "pro" } })),
    sent(({ callback }) =>
      tracker.trackEvent(
        "Outside Link",
        { callback },
        { url: "https://shop.example/pricing", referrer: "https://search.example/", deviceWidth: 390 },
      ),
    ),
  ]);
};
