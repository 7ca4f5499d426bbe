import { Moment } from "../../components/Moment";
import { DownloadButton } from "./DownloadButton";
import type { Schedule } from "./queries";
import { whenWords } from "./schedule";

/** The time before of a schedule, and what became of it. */
export function LastExport({ schedule }: { schedule: Schedule }) {
  const { last_due_at, last_export_id, last_error } = schedule;
  return (
    <>
      <Moment at={last_due_at} none="never" />{" "}
      {last_export_id && <DownloadButton exportId={last_export_id} of={`the last file: ${whenWords(schedule)}`} />}
      {last_error && <div className="field-error">{last_error}</div>}
    </>
  );
}
