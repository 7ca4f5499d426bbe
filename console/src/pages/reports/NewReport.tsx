import { useMemo, useState } from "react";
import { useLocation } from "wouter";

import { PageHead } from "../../components/PageHead";
import { usePermission } from "../../session/project";
import { defaultAsked, toDefinition } from "./asked";
import { BuilderForm } from "./BuilderForm";
import { ExportButton } from "./ExportButton";
import { reportPath } from "./paths";
import { useResult } from "./queries";
import { ResultState } from "./ResultState";
import { SaveDialog } from "./SaveDialog";
import { UnreadParts } from "./UnreadParts";
import { useAsked } from "./useAsked";

/** A report that is not saved: the address has it all. */
export function NewReport() {
  const { asked: given, unread, ask } = useAsked();
  const asked = useMemo(() => given ?? defaultAsked(), [given]);
  const definition = useMemo(() => toDefinition(asked), [asked]);
  const result = useResult({ definition });
  const mayWrite = usePermission("reports:write");
  const [saving, setSaving] = useState(false);
  const [, navigate] = useLocation();
  return (
    <>
      <PageHead title="New report">
        <div className="actions">
          <ExportButton content={{ definition }} />
          {mayWrite && (
            <button type="button" className="button button-primary" onClick={() => setSaving(true)}>
              Save …
            </button>
          )}
        </div>
      </PageHead>
      <UnreadParts unread={unread} />
      <BuilderForm asked={asked} onRun={ask} busy={result.isFetching} error={result.error} />
      <ResultState result={result} />
      {saving && (
        <SaveDialog
          title="Save the report"
          name={result.data?.title ?? ""}
          definition={definition}
          onClose={() => setSaving(false)}
          onSaved={({ report_id }) => navigate(reportPath(report_id))}
        />
      )}
    </>
  );
}
