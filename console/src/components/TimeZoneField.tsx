import { SelectField } from "./Form";

type TimeZoneFieldProps = {
  name: string;
  label?: string;
  hint?: string;
} & ({ value: string; onChange: (zone: string) => void } | { defaultValue: string });

/** The time zones that the browser knows, and the chosen one whether it knows it or not. */
export function TimeZoneField({ name, label = "Time zone", hint, ...rest }: TimeZoneFieldProps) {
  const chosen = "value" in rest ? rest.value : rest.defaultValue;
  const zones = [...new Set([chosen, "UTC", ...Intl.supportedValuesOf("timeZone")])].sort();
  const control =
    "value" in rest
      ? { value: rest.value, onChange: ({ target }: { target: HTMLSelectElement }) => rest.onChange(target.value) }
      : { defaultValue: rest.defaultValue };
  return (
    <SelectField name={name} label={label} hint={hint} {...control}>
      {zones.map((zone) => (
        <option key={zone}>{zone}</option>
      ))}
    </SelectField>
  );
}
