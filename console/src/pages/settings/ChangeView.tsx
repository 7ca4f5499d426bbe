import { isObject } from "../../api/errors";
import { JsonView } from "../../components/JsonView";

/** Both states of what was changed, a row for each part that differs. */
export function ChangeView({ before, after }: { before: unknown; after: unknown }) {
  const parts = differences(before, after);
  if (parts.length === 0) return <p className="footnote">Nothing more was noted.</p>;
  return (
    <table className="change">
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {parts.map(({ name, was, is }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td className="change-was">{was === undefined ? "–" : <JsonView value={was} />}</td>
            <td className="change-is">{is === undefined ? "–" : <JsonView value={is} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type Part = { name: string; was: unknown; is: unknown };

/** The parts in which two states differ; a state that is no object is one part by itself. */
export function differences(before: unknown, after: unknown): Part[] {
  const was = asParts(before);
  const is = asParts(after);
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return names
    .filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]))
    .map((name) => ({ name, was: was[name], is: is[name] }));
}

function asParts(state: unknown): Record<string, unknown> {
  if (state === null || state === undefined) return {};
  return isObject(state) ? state : { value: state };
}
