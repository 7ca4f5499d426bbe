import { Link } from "wouter";

import { isObject } from "../../api/errors";
import { Moment } from "../../components/Moment";
import { conditions, eventsPath, type Filter } from "../events/filter";
import { askPath, fromDefinition, type Definition } from "./asked";
import { filterOf, type Export } from "./exports";

/** What an export has in it, and where that is shown. */
export function ExportAsked({ row }: { row: Export }) {
  const { kind, request } = row;
  if (kind === "events") return <EventsAsked filter={filterOf(request)} />;
  const { as_of, definition } = request;
  return (
    <p>
      As of <Moment at={typeof as_of === "string" ? as_of : null} />
      {isObject(definition) && (
        <>
          {". "}
          <Link href={askPath(fromDefinition(definition as Definition))}>Ask the same now</Link>
        </>
      )}
    </p>
  );
}

function EventsAsked({ filter }: { filter: Filter }) {
  const asked = conditions(filter);
  const { time } = filter;
  return (
    <p>
      {asked.length === 0 ? "All events" : asked.map(({ name, value }) => `${name} ${value}`).join(", ")}
      {!("last" in time) && time.since && (
        <>
          {" "}
          from <Moment at={time.since} />
        </>
      )}
      {!("last" in time) && time.until && (
        <>
          {" "}
          until <Moment at={time.until} />
        </>
      )}
      {". "}
      <Link href={eventsPath(filter)}>Show them</Link>
    </p>
  );
}
