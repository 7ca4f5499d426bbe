import { useState } from "react";

import { answer, api } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { DataTable, type Column } from "../../components/DataTable";
import { Moment } from "../../components/Moment";
import { QueryState } from "../../components/QueryState";
import { useAction } from "../../hooks/useAction";
import { plural } from "../../lib/format";
import { usePermission, useProject } from "../../session/project";
import { formatName } from "./exports";
import { LastExport } from "./LastExport";
import { RENEWS, useSchedules, type Schedule } from "./queries";
import { asBody, whenWords } from "./schedule";
import { ScheduleDialog } from "./ScheduleDialog";

/** The schedules of a report, with their last and their next time. */
export function SchedulesTable({ reportId }: { reportId: number }) {
  const schedules = useSchedules(reportId);
  const mayWrite = usePermission("reports:write");
  const [editing, setEditing] = useState<Schedule | null>(null);
  const columns = mayWrite ? [...COLUMNS, actions(reportId, setEditing)] : COLUMNS;
  return (
    <QueryState query={schedules}>
      {({ schedules: rows }) => (
        <>
          {rows.length === 0 ? (
            <p className="footnote">It is not exported by itself.</p>
          ) : (
            <DataTable label="Schedules of the report" rows={rows} rowKey={({ schedule_id }) => schedule_id} columns={columns} />
          )}
          {editing && <ScheduleDialog reportId={reportId} schedule={editing} onClose={() => setEditing(null)} />}
        </>
      )}
    </QueryState>
  );
}

const COLUMNS: Column<Schedule>[] = [
  { key: "when", title: "When", className: "cell-long", cell: whenWords },
  { key: "format", title: "As", cell: ({ format }) => formatName(format) },
  { key: "to", title: "To", cell: ({ recipients }) => (recipients.length === 0 ? "nobody" : plural(recipients.length, "person", "people")) },
  {
    key: "next",
    title: "Next",
    cell: ({ due_at, paused }) => (paused ? <span className="tag tag-off">paused</span> : <Moment at={due_at} />),
  },
  {
    key: "last",
    title: "Last",
    cell: (schedule) => <LastExport schedule={schedule} />,
  },
];

function actions(reportId: number, edit: (schedule: Schedule) => void): Column<Schedule> {
  return {
    key: "actions",
    title: "Actions",
    className: "cell-actions",
    cell: (schedule) => <ScheduleActions reportId={reportId} schedule={schedule} onEdit={() => edit(schedule)} />,
  };
}

type ScheduleActionsProps = { reportId: number; schedule: Schedule; onEdit: () => void };

function ScheduleActions({ reportId, schedule, onEdit }: ScheduleActionsProps) {
  const { pause, remove } = useScheduleActions(reportId, schedule);
  const of = whenWords(schedule);
  return (
    <span className="actions">
      <button type="button" className="button button-small" onClick={onEdit}>
        Edit<span className="visually-hidden"> {of}</span>
      </button>
      <button type="button" className="button button-small" aria-disabled={pause.isPending} onClick={() => pause.mutate()}>
        {schedule.paused ? "Resume" : "Pause"}
        <span className="visually-hidden"> {of}</span>
      </button>
      <ConfirmButton
        label="Delete"
        of={of}
        className="button button-small"
        question="Delete this schedule?"
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        <p>{of}: it is not exported then any more. What was exported stays until it expires.</p>
      </ConfirmButton>
    </span>
  );
}

function useScheduleActions(report_id: number, schedule: Schedule) {
  const { projectId: project_id } = useProject();
  const at = { params: { path: { project_id, report_id, schedule_id: schedule.schedule_id } } };
  const path = "/api/v1/projects/{project_id}/reports/{report_id}/schedules/{schedule_id}";
  const pause = useAction({
    run: () => answer(api.PUT(path, { ...at, body: { ...asBody(schedule), paused: !schedule.paused } })),
    done: schedule.paused ? "The schedule goes on." : "The schedule is paused.",
    renews: RENEWS,
  });
  const remove = useAction({ run: () => answer(api.DELETE(path, at)), done: "The schedule is deleted.", renews: RENEWS });
  return { pause, remove };
}
