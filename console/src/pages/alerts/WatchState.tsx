import { Moment } from "../../components/Moment";
import { useNow } from "../../hooks/useNow";
import type { Watch } from "./condition";

const STATES: Record<Watch["state"], { label: string; tone: string; about: string }> = {
  ok: { label: "ok", tone: "tag-on", about: "Its condition does not hold." },
  pending: { label: "pending", tone: "", about: "Its condition holds, not for long enough yet." },
  firing: { label: "firing", tone: "tag-off", about: "Its condition holds." },
  resolved: { label: "resolved", tone: "tag-on", about: "It has just been over; it may not fire again yet." },
};

/** What a watch is now, since when, and whether it is quiet. */
export function WatchState({ watch }: { watch: Watch }) {
  const now = useNow(30_000);
  const { state, since, enabled, snoozed_until, evaluated_at } = watch;
  if (!enabled) return <span className="tag">off</span>;
  const { label, tone, about } = STATES[state];
  const snoozed = snoozed_until !== null && Date.parse(snoozed_until) > now;
  return (
    <div className="watch-state">
      <span className={`tag ${tone}`} title={about}>
        {label}
      </span>{" "}
      {evaluated_at === null ? (
        <span className="hint">not looked at yet</span>
      ) : (
        <span className="hint">
          since <Moment at={since} />
        </span>
      )}
      {snoozed && (
        <div>
          <span className="tag">snoozed</span>{" "}
          <span className="hint">
            until <Moment at={snoozed_until} />
          </span>
        </div>
      )}
    </div>
  );
}
