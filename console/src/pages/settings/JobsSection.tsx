import { useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { LoadMore } from "../../components/LoadMore";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { formatWindow, plural } from "../../lib/format";
import { DeadLetterActions, DeadLetterDetail, JOBS_KEY, LETTERS_KEY, type DeadLetter } from "./DeadLetters";
import "./jobs.css";

type Job = Omit<Schemas["Job"], "last_run"> & { last_run: Schemas["JobRun"] | null };

const LOOK_MS = 10_000;

/** What the workers do by the clock, and what failed for good. */
export default function JobsSection() {
  return (
    <>
      <PageHead title="Jobs" />
      <Schedule />
      <h2 className="section-head">Dead letters</h2>
      <DeadLetters />
    </>
  );
}

function Schedule() {
  const jobs = useQuery({
    queryKey: JOBS_KEY,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/jobs", { signal }))).jobs as unknown as Job[],
    refetchInterval: LOOK_MS,
  });
  return (
    <QueryState query={jobs}>
      {(rows) =>
        rows.length === 0 ? (
          <EmptyNotice title="No workers have run yet">
            <p>The schedule is known once workers have run for the first time.</p>
          </EmptyNotice>
        ) : (
          <DataTable label="Jobs by the clock" rows={rows} rowKey={({ job }) => job} columns={JOBS} detail={(job) => <JobDetail job={job} />} />
        )
      }
    </QueryState>
  );
}

const TONES: Partial<Record<Job["state"], string>> = { failed: "tag-off", done: "tag-on", running: "tag-on" };

const JOBS: Column<Job>[] = [
  { key: "job", title: "Job", className: "cell-long", cell: ({ job }) => job },
  { key: "every", title: "Each", cell: ({ every_seconds }) => everyWords(every_seconds) },
  {
    key: "state",
    title: "State",
    cell: ({ state }) => (state === "unknown" ? "–" : <span className={`tag ${TONES[state] ?? ""}`}>{state}</span>),
  },
  {
    key: "last",
    title: "Last run",
    className: "cell-shrink",
    cell: ({ last_run, recorded }) => <Moment at={last_run?.started_at ?? last_run?.due_at} none={recorded ? "never" : "not kept"} />,
  },
  { key: "next", title: "Next run", className: "cell-shrink", cell: ({ next_run_at }) => <Moment at={next_run_at} /> },
];

const MISSED: Record<Job["missed"], string> = {
  once: "is made up for by one run",
  skip: "is left out",
  each: "is made up for by a run each",
};

function JobDetail({ job }: { job: Job }) {
  const { queue, may_take_seconds, missed, last_run } = job;
  return (
    <>
      <p>
        On the queue <code>{queue}</code>. It may take {formatWindow(may_take_seconds)}. What was missed {MISSED[missed]}.
      </p>
      {last_run && (
        <p>
          The last run was due <Moment at={last_run.due_at} />, had {plural(last_run.attempts, "attempt")}
          {last_run.ended_at && (
            <>
              {" "}
              and ended <Moment at={last_run.ended_at} />
            </>
          )}
          .
        </p>
      )}
      {last_run?.error && <pre className="job-error">{last_run.error}</pre>}
    </>
  );
}

function everyWords(seconds: number): string {
  if (seconds % 86_400 === 0) return plural(seconds / 86_400, "day");
  if (seconds % 3_600 === 0) return plural(seconds / 3_600, "hour");
  return formatWindow(seconds);
}

function DeadLetters() {
  const letters = useInfiniteQuery({
    queryKey: LETTERS_KEY,
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      answer(api.GET("/api/v1/jobs/dead-letters", { params: { query: pageParam ? { cursor: pageParam } : {} }, signal })),
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }) => pages.flatMap((page) => page.dead_letters),
    refetchInterval: LOOK_MS,
  });
  return (
    <QueryState query={letters}>
      {(rows) =>
        rows.length === 0 ? (
          <EmptyNotice title="Nothing has failed for good">
            <p>What fails is tried again. What went on failing would stand here, to be sent again once its cause is mended.</p>
          </EmptyNotice>
        ) : (
          <>
            <DataTable
              label="Dead letters, those that failed last first"
              rows={rows}
              rowKey={({ dead_letter_id }) => dead_letter_id}
              columns={LETTERS}
              detail={(letter) => <DeadLetterDetail letter={letter} />}
            />
            <LoadMore query={letters} shown={rows.length} one="dead letter" />
          </>
        )
      }
    </QueryState>
  );
}

const LETTERS: Column<DeadLetter>[] = [
  { key: "at", title: "Failed", className: "cell-shrink", cell: ({ at }) => <Moment at={at} /> },
  { key: "actor", title: "Job or task", className: "cell-long", cell: ({ actor }) => actor },
  { key: "error", title: "Error", className: "cell-long", cell: ({ error }) => error },
  { key: "times", title: "Times", className: "cell-number", cell: ({ times }) => times },
  { key: "actions", title: "Actions", className: "cell-actions", cell: (letter) => <DeadLetterActions letter={letter} /> },
];
