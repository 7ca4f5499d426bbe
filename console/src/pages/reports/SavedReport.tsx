import { useMemo, useState } from "react";
import { Link, useLocation } from "wouter";

import { ApiError } from "../../api/client";
import { EmptyNotice } from "../../components/EmptyNotice";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { useAction } from "../../hooks/useAction";
import { usePermission, useProject } from "../../session/project";
import { answer, api } from "../../api/client";
import { fromDefinition, toDefinition, writeAsked, type Asked } from "./asked";
import { BuilderForm } from "./BuilderForm";
import { ExportButton } from "./ExportButton";
import { REPORTS, reportPath } from "./paths";
import { ofReport, RENEWS, useReport, useResult, type Report } from "./queries";
import { ReportActions } from "./ReportActions";
import { ResultState } from "./ResultState";
import { SaveDialog } from "./SaveDialog";
import { SchedulesPanel } from "./SchedulesPanel";
import { UnreadParts } from "./UnreadParts";
import { useAsked } from "./useAsked";

/** A saved report; what the address asks instead can be saved too. */
export function SavedReport({ reportId }: { reportId: number }) {
  const report = useReport(reportId);
  if (report.error instanceof ApiError && report.error.status === 404) return <NoReport />;
  return <QueryState query={report}>{(data) => <ReportView report={data} />}</QueryState>;
}

function NoReport() {
  return (
    <>
      <PageHead title="No such report" />
      <EmptyNotice title="There is no such report">
        <p>
          It may have been deleted, or be one of another project. <Link href={REPORTS}>All reports</Link>.
        </p>
      </EmptyNotice>
    </>
  );
}

function ReportView({ report }: { report: Report }) {
  const { asked: given, unread, ask, clear } = useAsked();
  const saved = useMemo(() => fromDefinition(report.definition), [report.definition]);
  const changed = given !== null && writeAsked(given).toString() !== writeAsked(saved).toString();
  const asked = changed ? given : saved;
  const definition = useMemo(() => toDefinition(asked), [asked]);
  const { report_id: reportId, version } = report;
  const result = useResult(changed ? { definition } : { reportId, version });
  const [editing, setEditing] = useState(changed);
  const open = editing || changed;
  return (
    <>
      <PageHead title={report.name}>
        <div className="actions">
          <button type="button" className="button" aria-expanded={open} disabled={changed} onClick={() => setEditing(!open)}>
            Change what is asked
          </button>
          <ExportButton content={changed ? { definition } : { report_id: reportId }} />
          <ReportActions report={report} />
        </div>
      </PageHead>
      <UnreadParts unread={unread} />
      {changed && <Unsaved report={report} asked={asked} onDone={clear} />}
      {open && <BuilderForm asked={asked} onRun={ask} busy={result.isFetching} error={result.error} />}
      <ResultState result={result} />
      <SchedulesPanel report={report} />
    </>
  );
}

/** What can be done with a report that is asked otherwise than it is saved. */
function Unsaved({ report, asked, onDone }: { report: Report; asked: Asked; onDone: () => void }) {
  const { projectId } = useProject();
  const [, navigate] = useLocation();
  const [saving, setSaving] = useState(false);
  const mayWrite = usePermission("reports:write");
  const definition = toDefinition(asked);
  const { report_id, name, for_viewers, version } = report;
  const save = useAction({
    run: () =>
      answer(
        api.PUT("/api/v1/projects/{project_id}/reports/{report_id}", {
          ...ofReport(projectId, report_id),
          body: { name, for_viewers, version, definition },
        }),
      ),
    done: `${name} is saved.`,
    renews: RENEWS,
    onDone,
  });
  return (
    <div className="unsaved" role="status">
      <span>This is not as the report is saved.</span>
      <div className="actions">
        {mayWrite && (
          <>
            <button type="button" className="button button-primary" aria-disabled={save.isPending} onClick={() => save.mutate()}>
              Save
            </button>
            <button type="button" className="button" onClick={() => setSaving(true)}>
              Save as another …
            </button>
          </>
        )}
        <button type="button" className="button" onClick={onDone}>
          Back to the saved one
        </button>
      </div>
      {saving && (
        <SaveDialog
          title="Save as another report"
          name={`${name} (2)`}
          definition={definition}
          onClose={() => setSaving(false)}
          onSaved={(made) => navigate(reportPath(made.report_id))}
        />
      )}
    </div>
  );
}
