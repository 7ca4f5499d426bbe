import {
  createContext,
  useContext,
  useEffect,
  useId,
  useRef,
  useState,
  type ComponentProps,
  type ReactNode,
} from "react";

import { ApiError } from "../api/client";
import { explainError } from "../lib/explainError";

type FormProps = {
  onSubmit: (data: FormData) => void;
  /** Why the last attempt failed: a field shows what the API says of it, the form all the rest. */
  error: Error | null;
  busy: boolean;
  submit: string;
  /** Beside the submit button. */
  actions?: ReactNode;
  className?: string;
  children: ReactNode;
};

type Fields = { errors: Record<string, string[]>; register: (name: string) => () => void };

const FieldsContext = createContext<Fields>({ errors: {}, register: () => () => {} });

export function Form({ onSubmit, error, busy, submit, actions, className = "", children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [names, setNames] = useState<string[]>([]);
  const [register] = useState(() => (name: string) => {
    setNames((known) => [...known, name]);
    return () => setNames((known) => known.filter((other) => other !== name));
  });
  const errors = error instanceof ApiError ? error.fields : {};
  useEffect(() => {
    if (error) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [error]);
  return (
    <form
      ref={form}
      className={`form ${className}`}
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) onSubmit(new FormData(event.currentTarget));
      }}
    >
      <FieldsContext value={{ errors, register }}>{children}</FieldsContext>
      <FormError error={error} shownElsewhere={names} />
      <div className="form-actions">
        <button type="submit" className="button button-primary" aria-disabled={busy}>
          {busy ? `${submit} …` : submit}
        </button>
        {actions}
      </div>
    </form>
  );
}

function FormError({ error, shownElsewhere }: { error: Error | null; shownElsewhere: string[] }) {
  if (!error) return null;
  if (!(error instanceof ApiError) || error.kind !== "refused" || (error.status ?? 0) >= 500) {
    const { title, nextStep } = explainError(error);
    return <p role="alert" className="form-error">{`${title}. ${nextStep}`}</p>;
  }
  const fields = Object.keys(error.fields);
  const rest = fields.filter((field) => !shownElsewhere.some((name) => isOf(field, name)));
  if (fields.length > 0 && rest.length === 0) return null;
  const parts = rest.map((name) => `${name}: ${error.fields[name]?.join(" ") ?? ""}`);
  return <p role="alert" className="form-error">{[error.message, ...parts].join(" ")}</p>;
}

/** Whether an error is of a field, or of an item of its list. */
const isOf = (field: string, name: string): boolean => field.replace(/\.\d+$/, "") === name;

type FieldProps = {
  name: string;
  label: string;
  hint?: ReactNode;
};

type Control = {
  id: string;
  name: string;
  "aria-invalid": boolean | undefined;
  "aria-describedby": string | undefined;
};

/** A label, a control, a hint, and what the API says of it. */
export function Field({ name, label, hint, children }: FieldProps & { children: (control: Control) => ReactNode }) {
  const id = useId();
  const { errors, register } = useContext(FieldsContext);
  useEffect(() => register(name), [register, name]);
  const said = Object.keys(errors).flatMap((field) => (isOf(field, name) ? (errors[field] ?? []) : []));
  const wrong = said.length > 0 ? said : undefined;
  const described = [hint && `${id}-hint`, wrong && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        name,
        "aria-invalid": wrong ? true : undefined,
        "aria-describedby": described || undefined,
      })}
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      {wrong && (
        <p id={`${id}-error`} className="field-error" role="alert">
          {wrong.join(" ")}
        </p>
      )}
    </div>
  );
}

export function TextField({ name, label, hint, ...input }: FieldProps & ComponentProps<"input">) {
  return (
    <Field name={name} label={label} hint={hint}>
      {(control) => <input {...input} {...control} />}
    </Field>
  );
}

export function SelectField({ name, label, hint, children, ...select }: FieldProps & ComponentProps<"select">) {
  return (
    <Field name={name} label={label} hint={hint}>
      {(control) => (
        <select {...select} {...control}>
          {children}
        </select>
      )}
    </Field>
  );
}

/** The text of a form's field, "" when it has none. */
export function textOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value : "";
}
