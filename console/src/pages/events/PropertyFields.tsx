import { MOST_PROPERTIES, OPERATORS, type Operator, type PropertyFilter, type Scalar } from "./filter";

const WORDS: Record<Operator, string> = {
  equals: "is",
  contains: "contains",
  exists: "exists",
  greater: "greater than",
  less: "less than",
};

type Kind = "text" | "number" | "yes or no" | "null";
const EMPTY: Record<Kind, Scalar> = { text: "", number: 0, "yes or no": true, null: null };
const KINDS: Record<Operator, Kind[]> = {
  equals: ["text", "number", "yes or no", "null"],
  contains: ["text", "number", "yes or no", "null"],
  exists: ["yes or no"],
  greater: ["number", "text"],
  less: ["number", "text"],
};

type PropertyFieldsProps = {
  properties: PropertyFilter[];
  onChange: (properties: PropertyFilter[]) => void;
};

/** Any number of properties, up to the API's most, each with what it is asked. */
export function PropertyFields({ properties, onChange }: PropertyFieldsProps) {
  const replace = (index: number, ...by: PropertyFilter[]) => onChange(properties.toSpliced(index, 1, ...by));
  return (
    <div className="property-filters">
      {properties.map((each, index) => (
        <PropertyRow
          key={index}
          number={index + 1}
          given={each}
          onChange={(next) => replace(index, next)}
          onRemove={() => replace(index)}
        />
      ))}
      {properties.length < MOST_PROPERTIES && (
        <button
          type="button"
          className="button button-small"
          onClick={() => onChange([...properties, { property: "", operator: "equals", value: "" }])}
        >
          Add a property
        </button>
      )}
    </div>
  );
}

type PropertyRowProps = {
  number: number;
  given: PropertyFilter;
  onChange: (next: PropertyFilter) => void;
  onRemove: () => void;
};

function PropertyRow({ number, given, onChange, onRemove }: PropertyRowProps) {
  const { property, operator, value } = given;
  const chooseOperator = (next: Operator) =>
    onChange({ ...given, operator: next, value: fitting(value, next) });
  return (
    <fieldset className="property-filter field">
      <legend className="visually-hidden">Property {number}</legend>
      <input
        aria-label="Property"
        placeholder="plan or address.city"
        value={property}
        maxLength={200}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        onChange={({ target }) => onChange({ ...given, property: target.value })}
      />
      <select
        aria-label="What it is asked"
        value={operator}
        onChange={({ target }) => chooseOperator(target.value as Operator)}
      >
        {OPERATORS.map((name) => (
          <option key={name} value={name}>
            {WORDS[name]}
          </option>
        ))}
      </select>
      <ValueFields given={given} onChange={(next) => onChange({ ...given, value: next })} />
      <button type="button" className="icon-button" aria-label={`Remove property ${number}`} onClick={onRemove}>
        <span aria-hidden="true">×</span>
      </button>
    </fieldset>
  );
}

function ValueFields({ given, onChange }: { given: PropertyFilter; onChange: (value: Scalar) => void }) {
  const { operator, value } = given;
  const kinds = KINDS[operator];
  return (
    <>
      {kinds.length > 1 && (
        <select
          aria-label="Kind of value"
          value={kindOf(value)}
          onChange={({ target }) => onChange(asKind(value, target.value as Kind))}
        >
          {kinds.map((kind) => (
            <option key={kind}>{kind}</option>
          ))}
        </select>
      )}
      <ValueField value={value} onChange={onChange} />
    </>
  );
}

function ValueField({ value, onChange }: { value: Scalar; onChange: (value: Scalar) => void }) {
  if (value === null) return null;
  if (typeof value === "boolean") {
    return (
      <select aria-label="Value" value={String(value)} onChange={({ target }) => onChange(target.value === "true")}>
        <option value="true">yes</option>
        <option value="false">no</option>
      </select>
    );
  }
  const isNumber = typeof value === "number";
  return (
    <input
      // A number is read when it is one, so that "1." and "-" can be typed.
      key={isNumber ? "number" : "text"}
      aria-label="Value"
      {...(isNumber ? { type: "number", step: "any", defaultValue: value, required: true } : { value, maxLength: 1000 })}
      autoComplete="off"
      onChange={({ target }) => {
        if (!isNumber) onChange(target.value);
        else if (Number.isFinite(target.valueAsNumber)) onChange(target.valueAsNumber);
      }}
    />
  );
}

function kindOf(value: Scalar): Kind {
  if (value === null) return "null";
  if (typeof value === "boolean") return "yes or no";
  return typeof value === "number" ? "number" : "text";
}

/** The value as another kind, as far as it can be one. */
export function asKind(value: Scalar, kind: Kind): Scalar {
  if (kind === "text") return value === null ? "" : String(value);
  return kind === "number" ? (numberOf(String(value)) ?? EMPTY.number) : EMPTY[kind];
}

/** The value for another operator: what looks like a number is compared as one. */
export function fitting(value: Scalar, operator: Operator): Scalar {
  const [first = "text", ...rest] = KINDS[operator];
  if (first === "number" && typeof value === "string") return value === "" ? 0 : (numberOf(value) ?? value);
  return [first, ...rest].includes(kindOf(value)) ? value : asKind(value, first);
}

function numberOf(text: string): number | null {
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : null;
}
