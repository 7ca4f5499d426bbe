import type { ReactNode } from "react";

import { DataTable, type Column } from "../../components/DataTable";
import { Moment } from "../../components/Moment";
import { splitUrl } from "../../lib/pageUrl";
import { EventDetail } from "./EventDetail";
import type { Pick } from "./filter";
import type { StoredEvent } from "./queries";
import "./events.css";

type EventsTableProps = {
  label: string;
  events: StoredEvent[];
  onPick: (pick: Pick) => void;
  /** Whether they are all of one user. */
  ofOneUser?: boolean;
};

/** Events with all that is stored of each below it; a value that is pressed becomes a filter. */
export function EventsTable({ label, events, onPick, ofOneUser = false }: EventsTableProps) {
  return (
    <DataTable
      label={label}
      rows={events}
      rowKey={(event) => event.event_id}
      columns={columns(onPick, ofOneUser)}
      detail={(event) => <EventDetail event={event} onPick={onPick} />}
    />
  );
}

function columns(onPick: EventsTableProps["onPick"], ofOneUser: boolean): Column<StoredEvent>[] {
  const when: Column<StoredEvent> = {
    key: "ts",
    title: "When",
    className: "cell-shrink",
    cell: ({ ts }) => <Moment at={ts} />,
  };
  const type: Column<StoredEvent> = {
    key: "type",
    title: "Type",
    className: "cell-type",
    cell: ({ event_type }) => (
      <Cell name="type" pick={{ column: "event_type", value: event_type }} onPick={onPick}>
        {event_type}
      </Cell>
    ),
  };
  const user: Column<StoredEvent> = {
    key: "user",
    title: "User",
    className: "cell-user",
    cell: (event) => <UserCell event={event} onPick={onPick} />,
  };
  const page: Column<StoredEvent> = {
    key: "page",
    title: "Page",
    className: "cell-page",
    cell: ({ page_url }) =>
      page_url ? (
        <Cell name="page" pick={{ column: "page_url", value: page_url }} onPick={onPick} title={page_url}>
          {splitUrl(page_url).rest}
        </Cell>
      ) : (
        "–"
      ),
  };
  return ofOneUser ? [when, type, page] : [when, type, user, page];
}

function UserCell({ event, onPick }: { event: StoredEvent; onPick: EventsTableProps["onPick"] }) {
  const { user_id, anonymous_id } = event;
  if (user_id) {
    return (
      <Cell name="user" pick={{ column: "user_id", value: user_id }} onPick={onPick}>
        {user_id}
      </Cell>
    );
  }
  if (!anonymous_id) return "–";
  return (
    <Cell name="anonymous id" pick={{ column: "anonymous_id", value: anonymous_id }} onPick={onPick}>
      <em>{anonymous_id}</em>
    </Cell>
  );
}

type CellProps = {
  name: string;
  pick: Pick;
  onPick: EventsTableProps["onPick"];
  title?: string;
  children: ReactNode;
};

/** A value in a row. By keyboard it is reached in the row's details. */
function Cell({ name, pick, onPick, title, children }: CellProps) {
  return (
    <button
      type="button"
      className="pick pick-cell"
      tabIndex={-1}
      title={title ?? `Only events of this ${name}`}
      onClick={() => onPick(pick)}
    >
      {children}
    </button>
  );
}
