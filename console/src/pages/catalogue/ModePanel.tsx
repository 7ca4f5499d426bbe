import { Panel } from "../../components/Panel";
import { QueryState } from "../../components/QueryState";
import { useMode, useSetMode, type Mode } from "./queries";

const MODES: { mode: Mode; about: string }[] = [
  { mode: "off", about: "stored; nobody looks." },
  { mode: "flag", about: "stored, with what is wrong in the property $schema_errors." },
  { mode: "enforce", about: "refused, and kept among the rejected events." },
];

export function ModePanel({ mayChange }: { mayChange: boolean }) {
  const mode = useMode();
  const set = useSetMode();
  return (
    <Panel title="An event that does not fit its type is" className="panel-above">
      <QueryState query={mode}>
        {(data) => (
          <fieldset className="choices" disabled={!mayChange || set.isPending}>
            <legend className="visually-hidden">Mode of the catalogue</legend>
            {MODES.map(({ mode: name, about }) => (
              <label key={name} className="choice mode">
                <input type="radio" name="mode" value={name} checked={data.mode === name} onChange={() => set.mutate(name)} />
                <span>
                  <strong>{name}</strong>: {about}
                </span>
              </label>
            ))}
          </fieldset>
        )}
      </QueryState>
      {!mayChange && <p className="hint">To change the catalogue is for administrators of the project.</p>}
    </Panel>
  );
}
