import { CopyableText } from "../../components/CopyableText";
import { formatWindow } from "../../lib/format";
import { QUIET_REFRESH_MS } from "./queries";

const EVENT = {
  event_type: "page_view",
  user_id: "usr_1",
  session_id: "sess_1",
  page_url: "/hello",
};

export function EmptyState({ windowSeconds }: { windowSeconds: number }) {
  const command = [
    `curl -X POST ${window.location.origin}/track \\`,
    "  -H 'Content-Type: application/json' \\",
    `  -d '${JSON.stringify(EVENT)}'`,
  ].join("\n");
  return (
    <section className="notice notice-empty" aria-labelledby="empty-title">
      <div className="notice-text">
        <h2 id="empty-title">Waiting for events</h2>
        <p>
          Nobody is active, and no page has been viewed in the last {formatWindow(windowSeconds)}.
          Send an event from a terminal; it shows up here within {QUIET_REFRESH_MS / 1000} seconds.
        </p>
        <CopyableText text={command} label="curl command that sends one event" />
        <p className="footnote">
          For a steady stream of a made-up shop run <code>beatline generate --rate 100</code>.
        </p>
      </div>
    </section>
  );
}
