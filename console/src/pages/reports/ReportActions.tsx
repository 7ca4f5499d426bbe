import { useState } from "react";
import { useLocation } from "wouter";

import { answer, api } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { useAction } from "../../hooks/useAction";
import { usePermission, useProject } from "../../session/project";
import { REPORTS } from "./paths";
import { ofReport, RENEWS, type Report } from "./queries";
import { SaveDialog } from "./SaveDialog";

/** Renaming and deleting, for those who may. */
export function ReportActions({ report }: { report: Report }) {
  const { projectId } = useProject();
  const [, navigate] = useLocation();
  const [renaming, setRenaming] = useState(false);
  const mayWrite = usePermission("reports:write");
  const remove = useAction({
    run: () =>
      answer(api.DELETE("/api/v1/projects/{project_id}/reports/{report_id}", ofReport(projectId, report.report_id))),
    done: `${report.name} is deleted.`,
    renews: RENEWS,
    onDone: () => navigate(REPORTS),
  });
  if (!mayWrite) return null;
  return (
    <>
      <button type="button" className="button" onClick={() => setRenaming(true)}>
        Rename …
      </button>
      <ConfirmButton label="Delete" question={`Delete ${report.name}?`} busy={remove.isPending} onConfirm={() => remove.mutate()}>
        <p>Its schedules end with it. What was exported stays until it expires.</p>
      </ConfirmButton>
      {renaming && (
        <SaveDialog
          title="Rename the report"
          name={report.name}
          forViewers={report.for_viewers}
          definition={report.definition}
          of={report}
          onClose={() => setRenaming(false)}
          onSaved={() => setRenaming(false)}
        />
      )}
    </>
  );
}
