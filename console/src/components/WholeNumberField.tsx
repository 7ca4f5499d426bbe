import { useState, type ReactNode } from "react";

import { Field } from "./Form";

type WholeNumberFieldProps = {
  name: string;
  label: string;
  hint?: ReactNode;
  value: number;
  min: number;
  max?: number;
  onChange: (value: number) => void;
};

/** A whole number. While its field is empty the last one stays, and the form cannot be sent. */
export function WholeNumberField({ name, label, hint, value, min, max, onChange }: WholeNumberFieldProps) {
  const [text, setText] = useState(String(value));
  const change = (next: string) => {
    setText(next);
    if (next !== "" && Number.isInteger(Number(next)) && Number(next) >= min) onChange(Number(next));
  };
  return (
    <Field name={name} label={label} hint={hint}>
      {(control) => (
        <input
          {...control}
          type="number"
          min={min}
          max={max}
          step={1}
          required
          value={text === "" || Number(text) < min || Number(text) === value ? text : String(value)}
          onChange={({ target }) => change(target.value)}
        />
      )}
    </Field>
  );
}
