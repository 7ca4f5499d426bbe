import { useState, type KeyboardEvent } from "react";

import { Menu } from "../../components/Menu";
import { formatInteger } from "../../lib/format";
import { useKnownTypes } from "./queries";

type TypesFieldProps = { chosen: string[]; onChange: (chosen: string[]) => void };

/** Any of the known types, and of those that are named here. */
export function TypesField({ chosen, onChange }: TypesFieldProps) {
  const [text, setText] = useState("");
  const known = useKnownTypes();
  const others = chosen.filter((type) => known.every((each) => each.type !== type));
  const all = [...others.map((type) => ({ type, events: null })), ...known];
  const wanted = text.trim();
  const shown = all.filter(({ type }) => type.toLowerCase().includes(wanted.toLowerCase()));
  const isNew = wanted !== "" && all.every(({ type }) => type !== wanted);
  const add = () => {
    if (wanted && !chosen.includes(wanted)) onChange([...chosen, wanted]);
    setText("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  const summary = chosen.length === 0 ? "All" : chosen.join(", ");
  return (
    <div className="field types-field">
      <span className="field-label">Types</span>
      <Menu
        label={`Types: ${summary}`}
        className="types-button"
        sheet="types-sheet"
        button={<span className="types-summary">{summary}</span>}
      >
        <div className="field">
          <input
            aria-label="Find or name a type"
            placeholder="Find or name a type"
            value={text}
            maxLength={128}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            onChange={({ target }) => setText(target.value)}
            onKeyDown={onKeyDown}
          />
        </div>
        <TypeChoices shown={shown} chosen={chosen} onChange={onChange} />
        {isNew && (
          <button type="button" className="button button-small" onClick={add}>
            Add “{wanted}”
          </button>
        )}
      </Menu>
    </div>
  );
}

type TypeChoicesProps = TypesFieldProps & { shown: { type: string; events: number | null }[] };

function TypeChoices({ shown, chosen, onChange }: TypeChoicesProps) {
  const choose = (type: string, on: boolean) =>
    onChange(on ? [...chosen, type] : chosen.filter((other) => other !== type));
  return (
    <div className="types-list" role="group" aria-label="Types">
      {shown.map(({ type, events }) => (
        <label key={type} className="choice types-choice">
          <input
            type="checkbox"
            checked={chosen.includes(type)}
            onChange={({ target }) => choose(type, target.checked)}
          />
          <span className="types-name">{type}</span>
          {events !== null && <span className="types-count">{formatInteger(events)}</span>}
        </label>
      ))}
      {shown.length === 0 && <p className="footnote">No such type in the last 30 days.</p>}
    </div>
  );
}
