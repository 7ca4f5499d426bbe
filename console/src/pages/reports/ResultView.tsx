import { useMemo } from "react";

import { EmptyNotice } from "../../components/EmptyNotice";
import { Figure } from "../../components/Figure";
import { Panel } from "../../components/Panel";
import { SeriesChart } from "../../components/SeriesChart";
import { formatChange, formatInteger, formatNumber } from "../../lib/format";
import { GroupBars } from "./GroupBars";
import { isCount, linesOf, MOST_LINES, timesOf, unitOf, type Result } from "./result";
import { GroupsTable, TimesTable } from "./ResultTables";

/** An answer: what it is about, its number, its chart and its tables. */
export function ResultView({ result }: { result: Result }) {
  const { definition, title, about, filters, all, points } = result;
  const grouped = (definition.groupings ?? []).length > 0;
  return (
    <>
      <Panel title={title} className="panel-above result">
        <ul className="result-about" aria-label="What it is about">
          {[...about, ...filters].map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
        <Total result={result} />
        {points.length > 1 ? <TimeChart result={result} /> : grouped && <GroupBars result={result} />}
      </Panel>
      {all.total === null && <NoValues />}
      {grouped && <GroupsTable result={result} />}
      {definition.grain && <TimesTable result={result} grain={definition.grain} />}
    </>
  );
}

function Total({ result }: { result: Result }) {
  const { all, previous } = result;
  const format = isCount(result) ? formatInteger : formatNumber;
  const change = formatChange(all.total, all.previous_total);
  return (
    <div className="chart-figures">
      <Figure value={all.total ?? undefined} unit={isCount(result) ? `${unitOf(result)} in all` : "over the whole period"} unavailable={all.total === null} format={format} />
      {previous && (
        <p className="footnote">
          {all.previous_total === null ? "nothing" : format(all.previous_total)} in the period before
          {change && (
            <>
              {" "}
              (<strong>{change}</strong>)
            </>
          )}
        </p>
      )}
    </div>
  );
}

function TimeChart({ result }: { result: Result }) {
  const { definition, title, series, first_is_partial, last_is_partial } = result;
  const lines = useMemo(() => linesOf(result), [result]);
  const times = useMemo(() => timesOf(result), [result]);
  const left = definition.groupings?.length ? series.length - MOST_LINES : 0;
  return (
    <>
      <SeriesChart
        times={times}
        lines={lines}
        timeZone={definition.time_zone ?? "UTC"}
        description={`Line chart: ${title}. The numbers are in the table below.`}
      />
      {(left > 0 || first_is_partial || last_is_partial) && (
        <p className="footnote">
          {left > 0 && `The first ${MOST_LINES} of ${series.length} groups are drawn; the tables have all of them. `}
          {(first_is_partial || last_is_partial) &&
            `Dashed: the ${partialWords(first_is_partial, last_is_partial)} not all of the ${definition.grain}.`}
        </p>
      )}
    </>
  );
}

function partialWords(first: boolean, last: boolean): string {
  if (first && last) return "first and the last point are";
  return `${first ? "first" : "last"} point is`;
}

function NoValues() {
  return (
    <EmptyNotice title="Nothing to measure">
      <p>No event of this time passes the filters, or none of them has a number there.</p>
    </EmptyNotice>
  );
}
