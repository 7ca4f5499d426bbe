// @segment/analytics-node sends its whole repertoire: node segment_node.mjs '{"host": …, "key": …, "sdk": …}'
const settings = JSON.parse(process.argv[2]);
const { Analytics } = await import(settings.sdk);

const context = {
  app: { name: "Shop", version: "1.2.3", build: "77" },
  device: { id: "dev_1", model: "iPhone17,1" },
  os: { name: "iOS", version: "18.1" },
  page: { url: "https://shop.example/checkout" },
  locale: "de-DE",
};
const user = { userId: "usr_1" };

const analytics = new Analytics({ writeKey: settings.key, host: settings.host, flushInterval: 100 });
analytics.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
analytics.track({ anonymousId: "anon_1", event: "Product Viewed", properties: { sku: "A-1" } });
analytics.identify({ ...user, anonymousId: "anon_1", traits: { email: "ada@example.com", plan: "pro" } });
analytics.track({
  ...user,
  anonymousId: "anon_1",
  event: "Order Completed",
  properties: { total: 9.99, currency: "EUR", items: [{ sku: "A-1", count: 2 }], "$gift/card.no": "ü" },
  context,
});
analytics.page({
  ...user,
  category: "Docs",
  name: "Pricing",
  properties: { url: "https://shop.example/pricing", title: "Pricing" },
});
analytics.screen({ ...user, category: "Account", name: "Settings", properties: { tab: "billing" }, context });
analytics.group({ ...user, groupId: "grp_1", traits: { name: "Acme", seats: 5 } });
analytics.alias({ ...user, previousId: "anon_0" });
analytics.track({
  ...user,
  event: "Order Imported",
  properties: { total: 1 },
  timestamp: new Date("2024-03-15T14:30:00Z"),
  messageId: "order-4711/imported",
});
await analytics.closeAndFlush();
