import { useState } from "react";

import { Panel } from "../../components/Panel";
import { usePermission } from "../../session/project";
import type { Report } from "./queries";
import { ScheduleDialog } from "./ScheduleDialog";
import { SchedulesTable } from "./SchedulesTable";

/** When a report is exported by itself. */
export function SchedulesPanel({ report }: { report: Report }) {
  const mayWrite = usePermission("reports:write");
  const [making, setMaking] = useState(false);
  return (
    <Panel title="Schedules" hint="when it is exported by itself" className="panel-table">
      <SchedulesTable reportId={report.report_id} />
      {mayWrite && (
        <div className="panel-actions">
          <button type="button" className="button" onClick={() => setMaking(true)}>
            New schedule
          </button>
        </div>
      )}
      {making && <ScheduleDialog reportId={report.report_id} onClose={() => setMaking(false)} />}
    </Panel>
  );
}
