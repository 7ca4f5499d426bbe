import { useState } from "react";

import { SelectField, TextField } from "../../components/Form";
import { TimeZoneField } from "../../components/TimeZoneField";
import { WholeNumberField } from "../../components/WholeNumberField";
import { GRAINS, type Asked, type Grain } from "./asked";
import type { Change } from "./BuilderForm";
import { MOST_UNITS, PRESETS, readPeriod, UNITS, writePeriod, yesterday, type Period, type Unit } from "./period";

const OTHER = "other";
const FIXED = "fixed";

/** Which time, in which steps, and by whose clocks. */
export function PeriodFields({ asked, onChange }: { asked: Asked; onChange: Change }) {
  const { period, grain, compare, time_zone } = asked;
  const written = writePeriod(period);
  const [counts, setCounts] = useState(!Object.hasOwn(PRESETS, written));
  const chosen = period.kind === "fixed" ? FIXED : counts || !Object.hasOwn(PRESETS, written) ? OTHER : written;
  const choose = (value: string) => {
    setCounts(value === OTHER);
    if (value === FIXED) onChange({ period: yesterday(Date.now(), time_zone) });
    else if (value !== OTHER) onChange({ period: readPeriod(value) ?? period });
    else if (period.kind === "fixed" || period.kind === "this") onChange({ period: { kind: "last", count: 7, unit: "day" } });
  };
  return (
    <>
      <SelectField name="definition.period" label="Period" value={chosen} onChange={({ target }) => choose(target.value)}>
        {Object.entries(PRESETS).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
        <option value={OTHER}>Another number …</option>
        <option value={FIXED}>From … until …</option>
      </SelectField>
      {chosen === OTHER && <CountFields period={period} onChange={(next) => onChange({ period: next })} />}
      {period.kind === "fixed" && <FixedFields period={period} onChange={(next) => onChange({ period: next })} />}
      <SelectField
        name="definition.grain"
        label="Per"
        value={grain ?? ""}
        onChange={({ target }) => onChange({ grain: (target.value || null) as Grain | null })}
      >
        {GRAINS.map((unit) => (
          <option key={unit}>{unit}</option>
        ))}
        <option value="">whole period</option>
      </SelectField>
      <TimeZoneField name="definition.time_zone" value={time_zone} onChange={(zone) => onChange({ time_zone: zone })} />
      <label className="choice choice-line">
        <input type="checkbox" checked={compare} onChange={({ target }) => onChange({ compare: target.checked })} />
        Compare with the period before
      </label>
    </>
  );
}

type FieldsProps<P extends Period> = { period: P; onChange: (period: Period) => void };

function CountFields({ period, onChange }: FieldsProps<Period>) {
  if (period.kind === "fixed" || period.kind === "this") return null;
  return (
    <>
      <SelectField
        name="definition.period.kind"
        label="Which"
        value={period.kind}
        onChange={({ target }) => onChange({ ...period, kind: target.value as "last" | "rolling" })}
      >
        <option value="last">whole ones that are over</option>
        <option value="rolling">until now</option>
      </SelectField>
      <WholeNumberField
        name="definition.period.count"
        label="How many"
        min={1}
        max={MOST_UNITS}
        value={period.count}
        onChange={(count) => onChange({ ...period, count })}
      />
      <SelectField
        name="definition.period.unit"
        label="Of"
        value={period.unit}
        onChange={({ target }) => onChange({ ...period, unit: target.value as Unit })}
      >
        {UNITS.map((unit) => (
          <option key={unit} value={unit}>
            {unit}s
          </option>
        ))}
      </SelectField>
    </>
  );
}

function FixedFields({ period, onChange }: FieldsProps<Extract<Period, { kind: "fixed" }>>) {
  return (["since", "until"] as const).map((name) => (
    <TextField
      key={name}
      name={`definition.${name}`}
      label={name === "since" ? "From" : "Until"}
      type="datetime-local"
      required
      value={period[name].slice(0, 16)}
      onChange={({ target }) => onChange({ ...period, [name]: target.value })}
    />
  ));
}
