import { SelectField, TextField } from "../../components/Form";
import { usePermission } from "../../session/project";
import { isOfProperty, KINDS, PERCENTILES, type Kind, type Measure, type Percentile } from "./asked";

export const KIND_WORDS: Record<Kind, string> = {
  count: "Events",
  users: "Users",
  sessions: "Sessions",
  sum: "Sum of a property",
  average: "Average of a property",
  minimum: "Lowest of a property",
  maximum: "Highest of a property",
  percentile: "Percentile of a property",
};

type MeasureFieldsProps = { measure: Measure; onChange: (measure: Measure) => void };

/** What is counted or calculated. Properties are for those who may read events. */
export function MeasureFields({ measure, onChange }: MeasureFieldsProps) {
  const mayReadEvents = usePermission("events:read");
  const kinds = KINDS.filter((kind) => mayReadEvents || !isOfProperty(kind) || kind === measure.kind);
  return (
    <>
      <SelectField
        name="definition.measure"
        label="Measure"
        value={measure.kind}
        onChange={({ target }) => onChange({ ...measure, kind: target.value as Kind })}
      >
        {kinds.map((kind) => (
          <option key={kind} value={kind}>
            {KIND_WORDS[kind]}
          </option>
        ))}
      </SelectField>
      {isOfProperty(measure.kind) && (
        <TextField
          name="definition.measure.property"
          label="Property"
          placeholder="price or cart.total"
          value={measure.property}
          maxLength={200}
          required
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={({ target }) => onChange({ ...measure, property: target.value })}
        />
      )}
      {measure.kind === "percentile" && (
        <SelectField
          name="definition.measure.percentile"
          label="Percentile"
          value={measure.percentile}
          onChange={({ target }) => onChange({ ...measure, percentile: Number(target.value) as Percentile })}
        >
          {PERCENTILES.map((percentile) => (
            <option key={percentile} value={percentile}>
              {percentile === 50 ? "50th, the median" : `${percentile}th`}
            </option>
          ))}
        </SelectField>
      )}
    </>
  );
}
