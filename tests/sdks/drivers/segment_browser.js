// @segment/analytics-next in a page: drive({host, key, strategy}) sends its whole repertoire.
import { AnalyticsBrowser } from "sdk";

window.drive = async ({ host, key, strategy }) => {
  const deliveryStrategy = { strategy, config: { size: 100, timeout: 200 } };
  const [analytics] = await AnalyticsBrowser.load(
    { writeKey: key, cdnURL: host },
    strategy ? { integrations: { "Segment.io": { deliveryStrategy } } } : {},
  );
  analytics.setAnonymousId("anon_1");
  await Promise.all([
    await analytics.page("Docs", "Pricing", { plan: "pro" }),
    await analytics.track("Product Viewed", { sku: "A-1" }),
    await analytics.identify("usr_1", { email: "ada@example.com", plan: "pro" }),
    analytics.track("Order Completed", {
      total: 9.99,
      currency: "EUR",
      items: [{ sku: "A-1", count: 2 }],
      nothing: null,
      "$gift/card.no": "ü",
    }),
    analytics.screen("Account", "Settings", { tab: "billing" }),
    analytics.group("grp_1", { name: "Acme", seats: 5 }),
    analytics.alias("usr_1", "anon_0"),
    analytics.track("Order Imported", { total: 1 }, { timestamp: new Date("2024-03-15T14:30:00Z") }),
  ]);
};
