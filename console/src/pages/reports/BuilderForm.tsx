import { useState } from "react";

import { ApiError } from "../../api/client";
import { Form } from "../../components/Form";
import { usePermission } from "../../session/project";
import { PageField, TextFields } from "../events/FilterForm";
import type { Filter } from "../events/filter";
import { PropertyFields } from "../events/PropertyFields";
import { TypesField } from "../events/TypesField";
import "../events/events.css";
import type { Asked } from "./asked";
import { GroupingFields } from "./GroupingFields";
import { MeasureFields } from "./MeasureFields";
import { PeriodFields } from "./PeriodFields";

export type Change = (part: Partial<Asked>) => void;

type BuilderFormProps = {
  asked: Asked;
  /** Also when nothing has changed: then it is answered anew. */
  onRun: (asked: Asked) => void;
  busy: boolean;
  error: Error | null;
};

/** What a report asks; it counts when it is sent. */
export function BuilderForm({ asked, onRun, busy, error }: BuilderFormProps) {
  const [draft, setDraft] = useDraft(asked);
  const change: Change = (part) => setDraft({ ...draft, ...part });
  return (
    <section className="panel panel-above" aria-label="What the report asks">
      <Form className="builder" submit="Run" busy={busy} error={ofFields(error)} onSubmit={() => onRun(draft)}>
        <div className="builder-fields">
          <MeasureFields measure={draft.measure} onChange={(measure) => change({ measure })} />
          <PeriodFields asked={draft} onChange={change} />
        </div>
        <GroupingFields asked={draft} onChange={change} />
        <FilterFields filter={draft.filter} onChange={(part) => change({ filter: { ...draft.filter, ...part } })} />
      </Form>
    </section>
  );
}

/** What is being edited; what comes by other means takes its place. */
function useDraft(asked: Asked) {
  const [draft, setDraft] = useState(asked);
  const [edited, setEdited] = useState(asked);
  if (edited !== asked) {
    setEdited(asked);
    setDraft(asked);
  }
  return [draft, setDraft] as const;
}

/** A refusal that says what is wrong with which field. */
export function ofFields(error: Error | null): ApiError | null {
  return error instanceof ApiError && Object.keys(error.fields).length > 0 ? error : null;
}

type FilterFieldsProps = { filter: Filter; onChange: (part: Partial<Filter>) => void };

function FilterFields({ filter, onChange }: FilterFieldsProps) {
  const mayReadEvents = usePermission("events:read");
  const asksMore = filter.property.length > 0 || Boolean(filter.user_id || filter.anonymous_id || filter.session_id || filter.device_id);
  const [open, setOpen] = useState(asksMore);
  return (
    <fieldset className="builder-group">
      <legend>Only events</legend>
      <div className="builder-fields">
        <TypesField chosen={filter.event_type} onChange={(event_type) => onChange({ event_type })} />
        {open ? <TextFields draft={filter} onChange={onChange} /> : <PageField draft={filter} onChange={onChange} />}
      </div>
      {open && <PropertyFields properties={filter.property} onChange={(property) => onChange({ property })} />}
      {mayReadEvents && (
        <button type="button" className="button button-small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Fewer filters" : "More filters"}
        </button>
      )}
    </fieldset>
  );
}
