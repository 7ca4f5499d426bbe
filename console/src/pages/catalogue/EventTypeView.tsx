import { useState } from "react";
import { Link, useLocation } from "wouter";

import { ConfirmButton } from "../../components/ConfirmButton";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { usePermission } from "../../session/project";
import { formatJson, NEW_SCHEMA } from "./jsonText";
import { useDeleteType, useEventType, type EventType } from "./queries";
import { SchemaEditor } from "./SchemaEditor";
import { TryPanel } from "./TryPanel";

export function EventTypeView({ eventType }: { eventType: string }) {
  const described = useEventType(eventType);
  return (
    <>
      <p className="back">
        <Link href="/catalogue">Catalogue</Link>
      </p>
      <QueryState query={described}>{(data) => <Described eventType={eventType} described={data} />}</QueryState>
    </>
  );
}

function Described({ eventType, described }: { eventType: string; described: EventType | null }) {
  const mayChange = usePermission("catalogue:write");
  const own = described !== null && !described.builtin;
  const [text, setText] = useState(() => (described ? formatJson(described.schema) : NEW_SCHEMA));
  return (
    <>
      <PageHead title={eventType}>{own && mayChange && <DeleteButton eventType={eventType} />}</PageHead>
      <p className="hint type-state">{stateOf(described, mayChange)}</p>
      <div className="type-grid">
        <SchemaEditor
          eventType={eventType}
          description={described?.description ?? ""}
          text={text}
          onText={setText}
          mayChange={mayChange}
        />
        <TryPanel eventType={eventType} schemaText={text} />
      </div>
    </>
  );
}

function stateOf(described: EventType | null, mayChange: boolean): string {
  if (described === null) return "The catalogue does not describe this type yet: its events pass in every mode.";
  if (!described.builtin) return "Described by the project.";
  return mayChange ? "Built in. Saved here, it is the project's own." : "Built in.";
}

function DeleteButton({ eventType }: { eventType: string }) {
  const [, navigate] = useLocation();
  const remove = useDeleteType(eventType, () => navigate("/catalogue"));
  return (
    <ConfirmButton
      label="Delete"
      of={eventType}
      question={`Delete the schema of ${eventType}?`}
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      <p>Its events are checked no more, or by the built-in schema where there is one. Events so far stay.</p>
    </ConfirmButton>
  );
}
