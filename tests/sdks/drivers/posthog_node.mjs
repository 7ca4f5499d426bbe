// posthog-node sends its whole repertoire: node posthog_node.mjs '{"host": …, "key": …, "sdk": …}'
// The environment's POSTHOG_CAPTURE_MODE chooses the protocol of current releases.
const settings = JSON.parse(process.argv[2]);
const { PostHog } = await import(settings.sdk);

const alive = setInterval(() => {}, 1000); // the waits between retries do not keep a process running
const distinctId = "usr_1";
const posthog = new PostHog(settings.key, {
  host: settings.host,
  flushAt: 100,
  flushInterval: 100,
  fetchRetryDelay: 2000,
});
posthog.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
posthog.identify({ distinctId, properties: { email: "ada@example.com" } });
posthog.capture({
  distinctId,
  event: "Order Completed",
  properties: {
    total: 9.99,
    currency: "EUR",
    items: [{ sku: "A-1", count: 2 }],
    nothing: null,
    "$gift/card.no": "ü",
    $session_id: "01a203d7-6426-7799-8e1d-a86421fdc728",
    $app_version: "1.2.3",
  },
  groups: { company: "grp_1" },
});
posthog.capture({
  distinctId,
  event: "$pageview",
  properties: { $current_url: "https://shop.example/pricing", $session_id: "sess_1" },
});
posthog.capture({ distinctId, event: "$screen", properties: { $screen_name: "Settings" } });
posthog.capture({
  distinctId,
  event: "Order Imported",
  properties: { total: 1 },
  timestamp: new Date("2024-03-15T14:30:00Z"),
});
posthog.capture({ distinctId, event: "$set", properties: { $set: { city: "London" } } });
posthog.capture({ distinctId, event: "$set_once", properties: { $set_once: { first_page: "/pricing" } } });
posthog.groupIdentify({ groupType: "company", groupKey: "grp_1", properties: { name: "Acme", seats: 5 } });
posthog.alias({ distinctId, alias: "anon_0" });
const captured = new Promise((done) => {
  posthog.on("capture", ({ event }) => event === "$exception" && done());
});
posthog.captureException(new Error("out of stock"), distinctId);
await captured;
await posthog.shutdown(60_000);
clearInterval(alive);
