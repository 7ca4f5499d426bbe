import { useId } from "react";

import { SelectField, TextField } from "../../components/Form";
import { usePermission } from "../../session/project";
import { useKnownTypes } from "../events/queries";
import {
  choosesEvents,
  KINDS,
  kindNames,
  MEASURES,
  WINDOWS,
  windowWords,
  type Draft,
  type Kind,
  type MeasureName,
} from "./condition";

export type Change = (part: Partial<Draft>) => void;
type FieldsProps = { draft: Draft; onChange: Change };

/** The condition, by its kind. */
export function ConditionFields({ draft, onChange }: FieldsProps) {
  return (
    <div className="watch-fields">
      <SelectField
        name="kind"
        label="Tell me when"
        value={draft.kind}
        onChange={({ target }) => onChange({ kind: target.value as Kind, resolve_level: "" })}
      >
        {kindNames.map((kind) => (
          <option key={kind} value={kind}>
            {KINDS[kind]}
          </option>
        ))}
      </SelectField>
      {draft.kind === "threshold" && <MeasureField draft={draft} onChange={onChange} />}
      {choosesEvents(draft) && <EventFields draft={draft} onChange={onChange} />}
      <SelectField
        name="condition.window_minutes"
        label={draft.kind === "absence" ? "For" : "In the last"}
        value={draft.window_minutes}
        onChange={({ target }) => onChange({ window_minutes: Number(target.value) })}
      >
        {WINDOWS.map((minutes) => (
          <option key={minutes} value={minutes}>
            {windowWords(minutes)}
          </option>
        ))}
      </SelectField>
      {draft.kind === "threshold" && <LevelFields draft={draft} onChange={onChange} />}
      {draft.kind === "change" && <ChangeFields draft={draft} onChange={onChange} />}
    </div>
  );
}

function MeasureField({ draft, onChange }: FieldsProps) {
  const seesRejected = usePermission("rejected:read");
  const names = (Object.keys(MEASURES) as MeasureName[]).filter((name) => name !== "rejected" || seesRejected);
  return (
    <SelectField
      name="condition.measure"
      label="Of"
      value={draft.measure}
      onChange={({ target }) => onChange({ measure: target.value as MeasureName })}
    >
      {names.map((name) => (
        <option key={name} value={name}>
          {MEASURES[name]}
        </option>
      ))}
    </SelectField>
  );
}

function EventFields({ draft, onChange }: FieldsProps) {
  const id = useId();
  const types = useKnownTypes();
  return (
    <>
      <SelectField
        name="which"
        label="Which events"
        value={draft.which}
        onChange={({ target }) => onChange({ which: target.value as Draft["which"] })}
      >
        <option value="all">all</option>
        <option value="type">of a type</option>
        <option value="page">views of a page</option>
      </SelectField>
      {draft.which === "type" && (
        <>
          <TextField
            name="condition.event_type"
            label="Type"
            list={id}
            value={draft.event_type}
            maxLength={128}
            required
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            onChange={({ target }) => onChange({ event_type: target.value })}
          />
          <datalist id={id}>
            {types.map(({ type }) => (
              <option key={type} value={type} />
            ))}
          </datalist>
        </>
      )}
      {draft.which === "page" && (
        <TextField
          name="condition.page_url"
          label="Page"
          placeholder="https://shop.example/cart"
          value={draft.page_url}
          maxLength={2048}
          required
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={({ target }) => onChange({ page_url: target.value })}
        />
      )}
    </>
  );
}

type NumberFieldProps = {
  name: string;
  label: string;
  hint?: string | undefined;
  value: string;
  min?: number;
  max?: number;
  optional?: boolean;
  onChange: (text: string) => void;
};

/** A number as it is written. */
export function NumberField({ name, label, hint, value, min = 0, max, optional = false, onChange }: NumberFieldProps) {
  return (
    <TextField
      name={name}
      label={label}
      hint={hint}
      type="number"
      step="any"
      min={min}
      max={max}
      required={!optional}
      value={value}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}

function LevelFields({ draft, onChange }: FieldsProps) {
  return (
    <>
      <SelectField
        name="condition.direction"
        label="Are"
        value={draft.side}
        onChange={({ target }) => onChange({ side: target.value as Draft["side"], resolve_level: "" })}
      >
        <option value="above">above</option>
        <option value="below">below</option>
      </SelectField>
      <NumberField name="condition.level" label="The level" value={draft.level} onChange={(level) => onChange({ level })} />
    </>
  );
}

function ChangeFields({ draft, onChange }: FieldsProps) {
  return (
    <>
      <SelectField
        name="condition.direction"
        label="Are"
        value={draft.direction}
        onChange={({ target }) => onChange({ direction: target.value as Draft["direction"] })}
      >
        <option value="up">up</option>
        <option value="down">down</option>
        <option value="either">up or down</option>
      </SelectField>
      <NumberField
        name="condition.percent"
        label="By percent"
        value={draft.percent}
        min={0.01}
        onChange={(percent) => onChange({ percent })}
      />
      <SelectField
        name="condition.compared_with"
        label="Compared with"
        value={draft.compared_with}
        onChange={({ target }) => onChange({ compared_with: target.value as Draft["compared_with"] })}
      >
        <option value="week_ago">the same time a week ago</option>
        <option value="window_before">the time just before</option>
      </SelectField>
      <NumberField
        name="condition.minimum_count"
        label="Only from so many events on"
        value={draft.minimum_count}
        min={1}
        onChange={(minimum_count) => onChange({ minimum_count })}
      />
    </>
  );
}
