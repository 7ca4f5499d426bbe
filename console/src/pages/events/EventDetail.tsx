import type { ReactNode } from "react";
import { Link } from "wouter";

import { JsonView } from "../../components/JsonView";
import { Moment } from "../../components/Moment";
import { userPath } from "../users/userPath";
import type { Pick } from "./filter";
import type { StoredEvent } from "./queries";

const PICKED = [
  ["event_type", "Type"],
  ["user_id", "User"],
  ["anonymous_id", "Anonymous id"],
  ["session_id", "Session"],
  ["device_id", "Device"],
  ["page_url", "Page"],
] as const;

type EventDetailProps = { event: StoredEvent; onPick: (pick: Pick) => void };

/** All that is stored of an event. */
export function EventDetail({ event, onPick }: EventDetailProps) {
  const os = [event.os_name, event.os_version].filter(Boolean).join(" ");
  const person = event.user_id ?? event.anonymous_id;
  return (
    <div className="event-detail">
      <dl className="facts">
        {PICKED.map(([column, label]) => {
          const value = event[column];
          return value === null ? null : (
            <Fact key={column} label={label}>
              <button
                type="button"
                className="pick"
                title={`Only events with this ${label.toLowerCase()}`}
                onClick={() => onPick({ column, value })}
              >
                {value}
              </button>
            </Fact>
          );
        })}
        {event.app_version && <Fact label="App version">{event.app_version}</Fact>}
        {os && <Fact label="System">{os}</Fact>}
        <Fact label="Received">
          <Moment at={event.received_at} />
        </Fact>
        <Fact label="Event id">
          <code>{event.event_id}</code>
        </Fact>
      </dl>
      <div className="event-properties">
        <JsonView
          name="properties"
          value={event.properties}
          onPick={(path, value) => onPick({ path, value })}
        />
        {person && (
          <p className="event-user">
            <Link href={userPath(person)}>All about {person}</Link>
          </p>
        )}
      </div>
    </div>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </>
  );
}
