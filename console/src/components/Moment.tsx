import { formatDateTime } from "../lib/format";

/** A moment of the API's (ISO 8601) in the viewer's time; a dash for none. */
export function Moment({ at, none = "–" }: { at: string | null | undefined; none?: string }) {
  if (!at) return <>{none}</>;
  return (
    <time dateTime={at} title={at}>
      {formatDateTime(Date.parse(at))}
    </time>
  );
}
