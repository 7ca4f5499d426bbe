import { useNow } from "../hooks/useNow";
import { fractionLeft, secondsLeft } from "../lib/countdown";
import { formatClock } from "../lib/format";

type RefreshBarProps = {
  /** Times in epoch milliseconds; `updatedAt` is 0 before the first success. */
  updatedAt: number;
  dueAt: number;
  interval: number;
  refreshing: boolean;
  onRefresh: () => void;
};

export function RefreshBar({ updatedAt, dueAt, interval, refreshing, onRefresh }: RefreshBarProps) {
  return (
    <div className="refresh-bar">
      <span className="refresh-updated">
        Last updated{" "}
        {updatedAt ? (
          <time dateTime={new Date(updatedAt).toISOString()}>{formatClock(updatedAt)}</time>
        ) : (
          "not yet"
        )}
      </span>
      <Countdown dueAt={dueAt} interval={interval} refreshing={refreshing} />
      <button type="button" className="button" onClick={onRefresh} disabled={refreshing}>
        Refresh now
      </button>
    </div>
  );
}

type CountdownProps = Pick<RefreshBarProps, "dueAt" | "interval" | "refreshing">;

function Countdown({ dueAt, interval, refreshing }: CountdownProps) {
  const now = useNow(250);
  const left = secondsLeft(dueAt, now);
  return (
    <span className="countdown" role="timer" aria-live="off">
      <Ring fraction={refreshing ? 1 : fractionLeft(dueAt, now, interval)} spinning={refreshing} />
      <span className="countdown-text">
        {refreshing ? "Refreshing …" : `Next refresh in ${left} s`}
      </span>
    </span>
  );
}

function Ring({ fraction, spinning }: { fraction: number; spinning: boolean }) {
  return (
    <svg
      className={`ring ${spinning ? "ring-spinning" : ""}`}
      viewBox="0 0 20 20"
      width="18"
      height="18"
      aria-hidden="true"
    >
      <circle cx="10" cy="10" r="8" className="ring-track" />
      <circle
        cx="10"
        cy="10"
        r="8"
        className="ring-left"
        pathLength="1"
        strokeDasharray="1"
        strokeDashoffset={spinning ? 0.7 : 1 - fraction}
      />
    </svg>
  );
}
