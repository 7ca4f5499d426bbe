import { useSearchParams } from "wouter";

import type { Account } from "../../api/client";
import { Form, SelectField, textOf, TextField } from "../../components/Form";

/** What the API takes; "project_id" is another one than that of the page. */
export type Filter = { actor?: string; action?: string; since?: string; until?: string; project_id?: number };

const TEXTS = ["actor", "action", "since", "until"] as const;
const ACTIONS = [
  "account made", "account changed", "account deleted", "role changed", "password changed", "password reset",
  "API token made", "API token revoked", "project made", "project changed", "write key rotated", "domain added",
  "domain removed", "webhook source made", "webhook source changed", "webhook source deleted", "webhook secret rotated",
  "catalogue mode set", "event type described", "event type forgotten", "rejected event dismissed",
  "rejected events replayed", "property index asked for", "property index dropped",
  "report saved", "report changed", "report deleted", "report scheduled", "report schedule changed", "report schedule deleted",
  "watch made", "watch changed", "watch deleted", "watch snoozed", "snooze of a watch ended",
  "export requested", "export cancelled", "export deleted", "dead letter sent again", "dead letter deleted",
];

/** The filter of the address, so that it can be sent to somebody. */
export function useAuditFilter(): [Filter, (filter: Filter) => void] {
  const [params, setParams] = useSearchParams();
  const filter: Filter = {};
  for (const name of TEXTS) {
    const value = params.get(name);
    if (value) filter[name] = value;
  }
  const project = Number(params.get("of_project"));
  if (project) filter.project_id = project;
  const setFilter = (next: Filter) =>
    setParams((now) => {
      const { project_id, ...texts } = next;
      const kept = now.get("project");
      const named = Object.entries({ ...texts, of_project: project_id, project: kept });
      return new URLSearchParams(named.flatMap(([name, value]) => (value ? [[name, String(value)]] : [])));
    });
  return [filter, setFilter];
}

type AuditFilterProps = {
  filter: Filter;
  onChange: (filter: Filter) => void;
  projects: Account["projects"];
};

export function AuditFilter({ filter, onChange, projects }: AuditFilterProps) {
  const chosen = Object.keys(filter).length > 0;
  return (
    <Form
      className="form-columns"
      submit="Filter"
      busy={false}
      error={null}
      actions={
        chosen && (
          <button type="button" className="button" onClick={() => onChange({})}>
            Show all
          </button>
        )
      }
      onSubmit={(data) => onChange(read(data))}
    >
      <TextField name="actor" label="Who" defaultValue={filter.actor} placeholder="ann@example.com" maxLength={254} autoComplete="off" />
      <SelectField name="action" label="What" defaultValue={filter.action ?? ""}>
        <option value="">Anything</option>
        {[...new Set([...ACTIONS, ...(filter.action ? [filter.action] : [])])].map((action) => (
          <option key={action}>{action}</option>
        ))}
      </SelectField>
      <SelectField name="project_id" label="Project" defaultValue={filter.project_id ?? ""}>
        <option value="">All</option>
        {projects.map(({ project_id, name }) => (
          <option key={project_id} value={project_id}>
            {name}
          </option>
        ))}
      </SelectField>
      <TextField name="since" label="From" type="datetime-local" defaultValue={toLocal(filter.since)} />
      <TextField name="until" label="Until" type="datetime-local" defaultValue={toLocal(filter.until)} />
    </Form>
  );
}

function read(data: FormData): Filter {
  const project = Number(textOf(data, "project_id"));
  const wanted = {
    actor: textOf(data, "actor").trim(),
    action: textOf(data, "action"),
    since: toInstant(textOf(data, "since")),
    until: toInstant(textOf(data, "until")),
  };
  const texts = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ""));
  return project ? { ...texts, project_id: project } : texts;
}

/** A local time of a form's field as an instant of the API's, "" for none. */
function toInstant(local: string): string {
  return local ? new Date(local).toISOString() : "";
}

/** An instant as the local time of a form's field. */
function toLocal(instant: string | undefined): string {
  const moment = instant ? Date.parse(instant) : NaN;
  if (Number.isNaN(moment)) return "";
  const offset = new Date(moment).getTimezoneOffset() * 60_000;
  return new Date(moment - offset).toISOString().slice(0, 16);
}
