import { useState } from "react";

import { Field, Form, TextField } from "../../components/Form";
import { NO_FILTER, toLocal, toInstant, PRESETS, writeFilter, type Filter, type Preset, type Time } from "./filter";
import { PropertyFields } from "./PropertyFields";
import { TypesField } from "./TypesField";

const WIDE = "(min-width: 761px)";
const DAY_MS = 86_400_000;

type FilterFormProps = {
  filter: Filter;
  /** Also when nothing has changed: then it is searched again. */
  onSearch: (filter: Filter) => void;
  busy: boolean;
};

type Change = (part: Partial<Filter>) => void;

/** What to search for; it counts when it is sent. */
export function FilterForm({ filter, onSearch, busy }: FilterFormProps) {
  const [draft, setDraft] = useDraft(filter);
  const [open, setOpen] = useState(() => window.matchMedia(WIDE).matches);
  const change: Change = (part) => setDraft({ ...draft, ...part });
  const asks = writeFilter(draft).size > 0;
  return (
    <section className="panel panel-above event-filter" aria-label="Filter">
      <Form
        className="event-filter-form"
        submit="Search"
        busy={busy}
        error={null}
        onSubmit={() => onSearch(trimmed(draft))}
        actions={
          <>
            <button type="button" className="button" aria-expanded={open} onClick={() => setOpen(!open)}>
              {open ? "Fewer filters" : "More filters"}
            </button>
            {asks && (
              <button type="button" className="button" onClick={() => onSearch(NO_FILTER)}>
                Clear
              </button>
            )}
          </>
        }
      >
        <div className="event-filter-fields">
          <TimeFields time={draft.time} onChange={(time) => change({ time })} />
          <TypesField chosen={draft.event_type} onChange={(event_type) => change({ event_type })} />
          {open && <TextFields draft={draft} onChange={change} />}
        </div>
        {open && <PropertyFields properties={draft.property} onChange={(property) => change({ property })} />}
      </Form>
    </section>
  );
}

/** The filter while it is edited; one that comes by other means takes its place. */
function useDraft(filter: Filter) {
  const [draft, setDraft] = useState(filter);
  const [edited, setEdited] = useState(filter);
  if (edited !== filter) {
    setEdited(filter);
    setDraft(filter);
  }
  return [draft, setDraft] as const;
}

function trimmed(filter: Filter): Filter {
  const { user_id, anonymous_id, session_id, device_id, page_url, page_prefix } = filter;
  const texts = { user_id, anonymous_id, session_id, device_id, page_url, page_prefix };
  const trim = Object.entries(texts).map(([name, text]) => [name, text.trim()]);
  return {
    ...filter,
    ...(Object.fromEntries(trim) as typeof texts),
    property: filter.property.filter(({ property }) => property !== ""),
  };
}

function TimeFields({ time, onChange }: { time: Time; onChange: (time: Time) => void }) {
  const chosen = "last" in time ? time.last : "custom";
  const choose = (value: string) =>
    onChange(
      value === "custom"
        ? { since: new Date(Math.floor((Date.now() - DAY_MS) / 60_000) * 60_000).toISOString(), until: "" }
        : { last: value as Preset },
    );
  return (
    <>
      <Field name="last" label="Time">
        {(control) => (
          <select {...control} value={chosen} onChange={({ target }) => choose(target.value)}>
            {Object.entries(PRESETS).map(([name, { label }]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
            <option value="custom">From … until …</option>
          </select>
        )}
      </Field>
      {!("last" in time) &&
        (["since", "until"] as const).map((name) => (
          <TextField
            key={name}
            name={name}
            label={name === "since" ? "From" : "Until"}
            type="datetime-local"
            step={1}
            value={toLocal(time[name])}
            onChange={({ target }) => onChange({ ...time, [name]: toInstant(target.value) })}
          />
        ))}
    </>
  );
}

const IDS = [
  ["user_id", "User"],
  ["anonymous_id", "Anonymous id"],
  ["session_id", "Session"],
  ["device_id", "Device"],
] as const;

/** Whose events, and of which page. */
export function TextFields({ draft, onChange }: { draft: Filter; onChange: Change }) {
  return (
    <>
      {IDS.map(([name, label]) => (
        <TextField
          key={name}
          name={name}
          label={label}
          value={draft[name]}
          maxLength={200}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={({ target }) => onChange({ [name]: target.value })}
        />
      ))}
      <PageField draft={draft} onChange={onChange} />
    </>
  );
}

export function PageField({ draft, onChange }: { draft: Filter; onChange: Change }) {
  const [begins, setBegins] = useState(draft.page_prefix !== "");
  const isPrefix = draft.page_prefix ? true : draft.page_url ? false : begins;
  const value = isPrefix ? draft.page_prefix : draft.page_url;
  const set = (text: string, asPrefix: boolean) =>
    onChange({ page_prefix: asPrefix ? text : "", page_url: asPrefix ? "" : text });
  return (
    <Field name="page" label="Page">
      {(control) => (
        <div className="page-field">
          <select
            aria-label="How the page has to be"
            value={isPrefix ? "begins" : "is"}
            onChange={({ target }) => {
              setBegins(target.value === "begins");
              set(value, target.value === "begins");
            }}
          >
            <option value="is">is</option>
            <option value="begins">begins with</option>
          </select>
          <input
            {...control}
            value={value}
            maxLength={2048}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder={isPrefix ? "/products/" : "/products/1"}
            onChange={({ target }) => set(target.value, isPrefix)}
          />
        </div>
      )}
    </Field>
  );
}
