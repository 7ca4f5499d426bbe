// posthog-js in a page: drive({host, key}) sends its whole repertoire. A click on #buy adds $autocapture,
// leaving the page adds $pageleave.
import posthog from "sdk";

window.drive = ({ host, key }) =>
  new Promise((loaded) => {
    posthog.init(key, {
      api_host: host,
      bootstrap: { distinctID: "anon_1" },
      opt_out_useragent_filter: true,
      person_profiles: "always",
      disable_session_recording: true,
      disable_surveys: true,
      request_queue_config: { flush_interval_ms: 250 },
      loaded: () => {
        posthog.capture("Product Viewed", { sku: "A-1" });
        posthog.identify("usr_1", { email: "ada@example.com" }, { first_page: "/pricing" });
        posthog.capture("Order Completed", {
          total: 9.99,
          currency: "EUR",
          items: [{ sku: "A-1", count: 2 }],
          nothing: null,
          "$gift/card.no": "ü",
          app_version: "1.2.3",
        });
        posthog.setPersonProperties({ city: "London" });
        posthog.group("company", "grp_1", { name: "Acme", seats: 5 });
        posthog.alias("anon_0", "usr_1");
        posthog.captureException?.(new Error("out of stock"));
        posthog.capture("Order Imported", { total: 1 }, { timestamp: new Date("2024-03-15T14:30:00Z") });
        loaded();
      },
    });
  });
