import { Moment } from "../../../components/Moment";
import { QueryState } from "../../../components/QueryState";
import { plural } from "../../../lib/format";
import { useDeliveries } from "./queries";

const TONES: Record<string, string> = { sent: "tag-on", failed: "tag-off", expired: "tag-off" };

/** The last of what was sent to a device. */
export function DeliveriesView({ deviceId }: { deviceId: string }) {
  const deliveries = useDeliveries(deviceId);
  return (
    <QueryState query={deliveries}>
      {({ deliveries: rows }) =>
        rows.length === 0 ? (
          <p className="footnote">Nothing was sent there yet.</p>
        ) : (
          <ul className="deliveries" aria-label="The last that was sent there">
            {rows.map(({ delivery_id, title, state, reason, created_at, attempt_count }) => (
              <li key={delivery_id}>
                <span className={`tag ${TONES[state] ?? ""}`}>{state}</span> {title}{" "}
                <span className="hint">
                  <Moment at={created_at} />, {plural(attempt_count, "attempt")}
                  {reason && `: ${reason}`}
                </span>
              </li>
            ))}
          </ul>
        )
      }
    </QueryState>
  );
}
