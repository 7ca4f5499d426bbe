import { Form, SelectField, textOf, TextField } from "../../components/Form";
import { fromLocal, toLocal } from "../../lib/localTime";
import { isFiltered, SOURCES, type Filter, type WantedFilter } from "./filter";

type RejectedFilterProps = { filter: Filter; onChange: (filter: WantedFilter) => void };

export function RejectedFilter({ filter, onChange }: RejectedFilterProps) {
  const sources = filter.source && !SOURCES.includes(filter.source) ? [...SOURCES, filter.source] : SOURCES;
  return (
    <Form
      className="form-row filter"
      submit="Filter"
      busy={false}
      error={null}
      actions={
        isFiltered(filter) && (
          <button type="button" className="button" onClick={() => onChange({})}>
            Show all
          </button>
        )
      }
      onSubmit={(data) => onChange({ reason: filter.reason, ...read(data) })}
    >
      <TextField
        name="event_type"
        label="Type"
        placeholder="purchase"
        defaultValue={filter.event_type}
        maxLength={128}
        autoComplete="off"
        autoCapitalize="none"
      />
      <SelectField name="source" label="Came by" defaultValue={filter.source ?? ""}>
        <option value="">Anything</option>
        {sources.map((source) => (
          <option key={source}>{source}</option>
        ))}
      </SelectField>
      <TextField name="since" label="Since" type="datetime-local" defaultValue={toLocal(filter.since)} />
    </Form>
  );
}

function read(data: FormData): WantedFilter {
  return {
    event_type: textOf(data, "event_type").trim(),
    source: textOf(data, "source"),
    since: fromLocal(textOf(data, "since")),
  };
}
