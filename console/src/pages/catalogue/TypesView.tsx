import { useState } from "react";
import { Link, useLocation } from "wouter";

import { DataTable, type Column } from "../../components/DataTable";
import { Dialog } from "../../components/Dialog";
import { EmptyNotice } from "../../components/EmptyNotice";
import { Form, textOf, TextField } from "../../components/Form";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { usePermission } from "../../session/project";
import { ModePanel } from "./ModePanel";
import { typePath, useTypes, type ListedType } from "./queries";

export function TypesView() {
  const mayChange = usePermission("catalogue:write");
  const types = useTypes();
  const [making, setMaking] = useState(false);
  return (
    <>
      <PageHead title="Catalogue">
        {mayChange && (
          <button type="button" className="button button-primary" onClick={() => setMaking(true)}>
            Describe a type
          </button>
        )}
      </PageHead>
      <ModePanel mayChange={mayChange} />
      <QueryState query={types}>
        {({ event_types: rows }) =>
          rows.length === 0 ? (
            <EmptyNotice title="No event types">
              <p>Describe a type, and events of it are checked against its schema.</p>
            </EmptyNotice>
          ) : (
            <DataTable label="Event types" rows={rows} rowKey={({ event_type }) => event_type} columns={COLUMNS} />
          )
        }
      </QueryState>
      {making && <NewTypeDialog onClose={() => setMaking(false)} />}
    </>
  );
}

const COLUMNS: Column<ListedType>[] = [
  {
    key: "type",
    title: "Type",
    className: "cell-long",
    cell: ({ event_type }) => <Link href={typePath(event_type)}>{event_type}</Link>,
  },
  { key: "description", title: "Description", className: "cell-long", cell: ({ description }) => description || "–" },
  {
    key: "builtin",
    title: "Schema",
    cell: ({ builtin }) => <span className={`tag ${builtin ? "" : "tag-on"}`}>{builtin ? "built in" : "the project's"}</span>,
  },
  { key: "updated", title: "Changed", className: "cell-shrink", cell: ({ updated_at }) => <Moment at={updated_at} /> },
];

function NewTypeDialog({ onClose }: { onClose: () => void }) {
  const [, navigate] = useLocation();
  return (
    <Dialog title="Describe a type" onClose={onClose}>
      <Form
        submit="Go on"
        busy={false}
        error={null}
        onSubmit={(data) => {
          const eventType = textOf(data, "event_type").trim();
          if (eventType) navigate(typePath(eventType));
        }}
      >
        <TextField
          name="event_type"
          label="Type"
          hint="As events name it."
          placeholder="purchase"
          maxLength={128}
          required
          autoFocus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
      </Form>
    </Dialog>
  );
}
