/** What to paste into a page or a program, for each SDK. docs/sdks.md has more of them. */

export type Target = {
  /** The collector, without a slash at its end. */
  host: string;
  writeKey: string;
  /** The site, as Plausible's trackers name it. */
  domain: string;
};

export type Snippet = {
  id: string;
  label: string;
  /** How to get the SDK. */
  install?: string;
  code: string;
  note?: string;
};

export function snippetsFor(target: Target): Snippet[] {
  return [
    tracker(target),
    python(target),
    ...segment(target),
    ...posthog(target),
    rudderstack(target),
    plausible(target),
    curl(target),
  ];
}

/** A text as a literal of JavaScript and of Python. */
const quoted = (text: string): string => JSON.stringify(text);

const asAttribute = (text: string): string =>
  `"${text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;")}"`;

/** A text as one word of a shell. */
const asWord = (text: string): string => (/^[\w:/.@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

const CALLS = `for (const name of [
    "track", "identify", "page", "location", "reset", "optOut", "optIn",
  ])`;

function tracker({ host, writeKey }: Target): Snippet {
  return {
    id: "tracker",
    label: "Web page",
    code: `<script>
  window.beatline = window.beatline || { early: [] };
  ${CALLS}
    beatline[name] ??= (...call) => beatline.early.push([name, ...call]);
</script>
<script async src=${asAttribute(`${host}/tracker.js`)}
  data-write-key=${asAttribute(writeKey)}></script>`,
    note: "Beatline's own tracker, in the page's head: page views by itself, and beatline.track(name, properties) for the rest.",
  };
}

function python({ host, writeKey }: Target): Snippet {
  return {
    id: "python",
    label: "Python",
    install: "pip install ./clients/python",
    code: `from beatline_client import Client

client = Client(${quoted(host)}, ${quoted(writeKey)})
client.track("usr_1", "order_completed", {"total": 9.99})
client.close()`,
    note: "Beatline's own client, from its checkout.",
  };
}

function segment({ host, writeKey }: Target): Snippet[] {
  return [
    {
      id: "segment-js",
      label: "Segment JS",
      install: "npm install @segment/analytics-next",
      code: `import { AnalyticsBrowser } from "@segment/analytics-next";

const analytics = AnalyticsBrowser.load({
  writeKey: ${quoted(writeKey)},
  cdnURL: ${quoted(host)},
});
analytics.track("Order Completed", { total: 9.99 });`,
    },
    {
      id: "segment-node",
      label: "Segment Node",
      install: "npm install @segment/analytics-node",
      code: `import { Analytics } from "@segment/analytics-node";

const analytics = new Analytics({
  writeKey: ${quoted(writeKey)},
  host: ${quoted(host)},
});
analytics.track({ userId: "usr_1", event: "Order Completed", properties: { total: 9.99 } });
await analytics.closeAndFlush();`,
    },
    {
      id: "segment-python",
      label: "Segment Python",
      install: "pip install segment-analytics-python",
      code: `import segment.analytics as analytics

analytics.write_key = ${quoted(writeKey)}
analytics.host = ${quoted(host)}
analytics.track("usr_1", "Order Completed", {"total": 9.99})
analytics.shutdown()`,
    },
  ];
}

function posthog({ host, writeKey }: Target): Snippet[] {
  return [
    {
      id: "posthog-js",
      label: "PostHog JS",
      install: "npm install posthog-js",
      code: `import posthog from "posthog-js";

posthog.init(${quoted(writeKey)}, { api_host: ${quoted(host)} });
posthog.capture("order_completed", { total: 9.99 });`,
      note: "Recordings, surveys and feature flags are not served here.",
    },
    {
      id: "posthog-python",
      label: "PostHog Python",
      install: "pip install posthog",
      code: `from posthog import Posthog

posthog = Posthog(${quoted(writeKey)}, host=${quoted(host)})
posthog.capture("order_completed", distinct_id="usr_1", properties={"total": 9.99})
posthog.shutdown()`,
    },
  ];
}

function rudderstack({ host, writeKey }: Target): Snippet {
  return {
    id: "rudderstack",
    label: "RudderStack",
    install: "npm install @rudderstack/analytics-js",
    code: `import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

const analytics = new RudderAnalytics();
analytics.load(${quoted(writeKey)}, ${quoted(host)}, {
  configUrl: ${quoted(host)},
});
analytics.track("Order Completed", { total: 9.99 });`,
  };
}

function plausible({ host, domain }: Target): Snippet {
  return {
    id: "plausible",
    label: "Plausible",
    code: `<script defer src="/js/script.js" data-domain=${asAttribute(domain)}
  data-api=${asAttribute(`${host}/api/event`)}></script>`,
    note: "Plausible's script, served from where you like. It sends no key but the site's domain, which has to be one of the project's.",
  };
}

function curl({ host, writeKey }: Target): Snippet {
  return {
    id: "curl",
    label: "curl",
    code: `curl ${asWord(`${host}/track`)} -H ${asWord(`X-Write-Key: ${writeKey}`)} \\
  -d '{"event_type":"order_completed","user_id":"usr_1","properties":{"total":9.99}}'`,
    note: "Any program that can send JSON can do this. 202 means that the event is stored.",
  };
}
