// @rudderstack/analytics-js (bundled build) in a page: drive({host, key, beacon}) sends its whole repertoire.
import { RudderAnalytics } from "sdk";

window.drive = ({ host, key, beacon }) =>
  new Promise((sent) => {
    const analytics = new RudderAnalytics();
    analytics.load(key, host, {
      configUrl: host,
      useBeacon: beacon,
      beaconQueueOptions: { maxItems: 10, flushQueueInterval: 200 },
      onLoaded: () => {
        analytics.setAnonymousId("anon_1");
        analytics.page("Docs", "Pricing", { plan: "pro" });
        analytics.track("Product Viewed", { sku: "A-1" });
        analytics.identify("usr_1", { email: "ada@example.com", plan: "pro" });
        analytics.track("Order Completed", {
          total: 9.99,
          currency: "EUR",
          items: [{ sku: "A-1", count: 2 }],
          nothing: null,
          "$gift/card.no": "ü",
        });
        analytics.group("grp_1", { name: "Acme", seats: 5 });
        analytics.alias("usr_1", "anon_0");
        analytics.track(
          "Order Imported",
          { total: 1 },
          { originalTimestamp: "2024-03-15T14:30:00.000Z" },
          sent,
        );
      },
    });
  });
