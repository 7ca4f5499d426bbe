import { SelectField, TextField } from "../../components/Form";
import { usePermission } from "../../session/project";
import { SEVERITIES, type Draft, type Severity } from "./condition";
import { NumberField, type Change } from "./ConditionFields";

const RESOLVES: Record<Draft["kind"], { label: string; hint: string }> = {
  threshold: { label: "Over from", hint: "A better level than the one above, so that it does not flutter. Empty: the same." },
  absence: { label: "Over from so many events", hint: "Empty: the first event ends it." },
  change: { label: "Over at so many percent", hint: "Less than the percent above. Empty: the same." },
};

/** How long, what for, and for whom. */
export function WatchFields({ draft, onChange }: { draft: Draft; onChange: Change }) {
  const administers = usePermission("members:write");
  const resolves = RESOLVES[draft.kind];
  return (
    <>
      <div className="watch-fields">
        <NumberField
          name="minimum_seconds"
          label="Holds for (minutes)"
          value={draft.minimum_minutes}
          max={1440}
          onChange={(minimum_minutes) => onChange({ minimum_minutes })}
        />
        <NumberField
          name="resolve_level"
          label={resolves.label}
          value={draft.resolve_level}
          hint={resolves.hint}
          optional
          onChange={(resolve_level) => onChange({ resolve_level })}
        />
        <NumberField
          name="cool_down_seconds"
          label="Quiet after it (minutes)"
          value={draft.cool_down_minutes}
          max={1440}
          onChange={(cool_down_minutes) => onChange({ cool_down_minutes })}
        />
      </div>
      <div className="watch-fields">
        <TextField
          name="name"
          label="Name"
          placeholder="Hardly any checkouts"
          value={draft.name}
          maxLength={100}
          required
          autoComplete="off"
          onChange={({ target }) => onChange({ name: target.value })}
        />
        <SelectField
          name="severity"
          label="Severity"
          value={draft.severity}
          onChange={({ target }) => onChange({ severity: target.value as Severity })}
        >
          {SEVERITIES.map((severity) => (
            <option key={severity}>{severity}</option>
          ))}
        </SelectField>
      </div>
      {administers && (
        <label className="choice choice-line">
          <input type="checkbox" checked={draft.shared} onChange={({ target }) => onChange({ shared: target.checked })} />
          It is the project’s: every member is told
        </label>
      )}
    </>
  );
}
