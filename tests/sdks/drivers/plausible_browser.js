// @plausible-analytics/tracker in a page: drive({host, key}) sends its whole repertoire; key is the site's
// domain. Leaving the page after a while adds an engagement.
import { init, track } from "sdk";

window.drive = ({ host, key }) => {
  init({ domain: key, endpoint: `${host}/api/event`, captureOnLocalhost: true, hashBasedRouting: true });
  const sent = (name, options) => new Promise((callback) => track(name, { ...options, callback }));
  return Promise.all([
    sent("Signup", { props: { plan: "pro" } }),
    sent("Purchase", { revenue: { amount: "9.99", currency: "EUR" }, interactive: false }),
    sent("Outside Link", { url: "https://shop.example/pricing" }),
  ]);
};
