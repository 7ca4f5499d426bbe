import { useState, type MouseEvent, type ReactNode, type UIEvent } from "react";

import { Panel } from "../../components/Panel";
import { plural } from "../../lib/format";
import { EventsTable } from "./EventsTable";
import type { Filter, Pick } from "./filter";
import type { StoredEvent } from "./queries";
import { MOST_SHOWN, type Tail, type TailStatus } from "./tail";
import { useTail } from "./useTail";
import "./events.css";

const STATUS: Record<TailStatus, string> = {
  connecting: "Connecting …",
  live: "Live",
  away: "Waiting for Valkey",
  unreachable: "Not reached",
  refused: "Refused",
  "not-allowed": "Not allowed",
};

const NEXT_STEP: Partial<Record<TailStatus, string>> = {
  away: "The live preview has lost Valkey. It goes on when Valkey is back; what arrives meanwhile is not shown here.",
  unreachable: "The live preview does not answer. Check that it runs and that its port can be reached; the page keeps trying.",
  refused: "The live preview refused the filter.",
  "not-allowed": "The live preview does not let you read. Sign in again, or ask an administrator for access to it.",
};

type TailPanelProps = {
  title: string;
  filter: Filter;
  /** What of the filter does not count here. */
  ignored?: string | undefined;
  /** Events that were there before. */
  before?: StoredEvent[];
  onPick: (pick: Pick) => void;
  children?: ReactNode;
};

/** Events as they arrive. It holds still while one reads: scrolled down, or with a row opened. */
export function TailPanel({ title, filter, ignored, before = [], onPick, children }: TailPanelProps) {
  const [paused, setPaused] = useState(false);
  const [scrolled, setScrolled] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const tail = useTail(filter, paused || scrolled, attempt);
  const events = withBefore(tail.events, before);
  const onScroll = ({ target }: UIEvent) => setScrolled(target instanceof Element && target.scrollTop > 4);
  const onClick = ({ target }: MouseEvent) => {
    if (target instanceof Element && target.closest(".opener[aria-expanded=false]")) setPaused(true);
  };
  const release = (box: HTMLElement | null) => {
    setPaused(false);
    box?.querySelector(".table-box")?.scrollTo({ top: 0 });
  };
  return (
    <Panel title={title} className="tail" hint={<StatusTag status={tail.status} held={paused || scrolled} />}>
      <TailNotes tail={tail} ignored={ignored} onRetry={() => setAttempt(attempt + 1)} />
      <div className="tail-rows" onScrollCapture={onScroll} onClickCapture={onClick}>
        {events.length > 0 ? (
          <EventsTable label={`${title}, the newest first`} events={events} onPick={onPick} />
        ) : (
          <p className="tail-void">
            {tail.status === "live" ? "Waiting for the next event. Each shows up here when it is stored." : "Nothing yet."}
          </p>
        )}
      </div>
      <div className="tail-actions">
        <PauseButton held={paused || scrolled} tail={tail} onPause={() => setPaused(true)} onRelease={release} />
        {children}
      </div>
    </Panel>
  );
}

function withBefore(events: StoredEvent[], before: StoredEvent[]): StoredEvent[] {
  const known = new Set(events.map(({ event_id }) => event_id));
  return [...events, ...before.filter(({ event_id }) => !known.has(event_id))].slice(0, MOST_SHOWN);
}

function StatusTag({ status, held }: { status: TailStatus; held: boolean }) {
  const good = status === "live";
  const bad = !good && status !== "connecting";
  return (
    <span role="status" className={`tag ${good && !held ? "tag-on" : ""} ${bad ? "tag-off" : ""}`}>
      {good && held ? "Paused" : STATUS[status]}
    </span>
  );
}

type NotesProps = { tail: Tail; ignored: string | undefined; onRetry: () => void };

function TailNotes({ tail, ignored, onRetry }: NotesProps) {
  const step = NEXT_STEP[tail.status];
  return (
    <>
      {step && (
        <p className="tail-note">
          {step} {tail.detail && <span className="cell-long">“{tail.detail}”</span>}{" "}
          {tail.status !== "away" && (
            <button type="button" className="button button-small" onClick={onRetry}>
              Try again
            </button>
          )}
        </p>
      )}
      {ignored && <p className="footnote">{ignored}</p>}
      {tail.leftOut > 0 && (
        <p className="footnote">{plural(tail.leftOut, "event")} left out: more arrived than a preview shows. The log has all.</p>
      )}
    </>
  );
}

type PauseButtonProps = {
  held: boolean;
  tail: Tail;
  onPause: () => void;
  onRelease: (box: HTMLElement | null) => void;
};

function PauseButton({ held, tail, onPause, onRelease }: PauseButtonProps) {
  const waiting = tail.waiting.length + tail.dropped;
  return (
    <button
      type="button"
      className="button"
      onClick={({ currentTarget }) => (held ? onRelease(currentTarget.closest<HTMLElement>(".tail")) : onPause())}
    >
      {held ? `Go on${waiting > 0 ? `: ${plural(waiting, "new event")}` : ""}` : "Pause"}
    </button>
  );
}
