const OPEN_LEVELS = 2;
const MOST_SHOWN = 200;

type JsonViewProps = {
  value: unknown;
  /** The name under which it stands, when it is part of something. */
  name?: string;
  level?: number;
  /** The names on the way to it. */
  path?: string[];
  /** Makes each single value within it a button. */
  onPick?: ((path: string[], value: string | number | boolean | null) => void) | undefined;
};

/** A JSON value to read: objects and arrays fold, long ones are cut. Everything is text, never markup. */
export function JsonView({ value, name, level = 0, path = [], onPick }: JsonViewProps) {
  if (typeof value !== "object" || value === null) {
    return (
      <div className="json-line">
        <Name name={name} />
        <Scalar value={value} path={path} onPick={onPick} />
      </div>
    );
  }
  const entries: [string, unknown][] = Object.entries(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) {
    return (
      <div className="json-line">
        <Name name={name} />
        {open + close}
      </div>
    );
  }
  return (
    <details className="json-fold" open={level < OPEN_LEVELS}>
      <summary>
        <Name name={name} />
        {open} <span className="json-size">{entries.length}</span> {close}
      </summary>
      {entries.slice(0, MOST_SHOWN).map(([key, part]) => (
        <JsonView key={key} name={key} value={part} level={level + 1} path={[...path, key]} onPick={onPick} />
      ))}
      {entries.length > MOST_SHOWN && <div className="json-line json-size">… {entries.length - MOST_SHOWN} more</div>}
    </details>
  );
}

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : <span className="json-name">{name}: </span>;
}

function Scalar({ value, path = [], onPick }: Pick<JsonViewProps, "value" | "path" | "onPick">) {
  const kind = value === null ? "null" : typeof value;
  const text = JSON.stringify(value);
  if (!onPick || path.length === 0) return <span className={`json-${kind}`}>{text}</span>;
  return (
    <button
      type="button"
      className={`pick json-${kind}`}
      title={`Only events with this ${path.join(".")}`}
      onClick={() => onPick(path, value as string | number | boolean | null)}
    >
      {text}
    </button>
  );
}
