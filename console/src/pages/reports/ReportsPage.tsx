import { useLocation } from "wouter";

import { NotFound } from "../../shell/NotFound";
import { DownloadsView } from "./DownloadsView";
import { NewReport } from "./NewReport";
import { DOWNLOADS, NEW_REPORT, REPORTS } from "./paths";
import { ReportList } from "./ReportList";
import { SavedReport } from "./SavedReport";
import "./reports.css";

export default function ReportsPage() {
  const [path] = useLocation();
  if (path === REPORTS) return <ReportList />;
  if (path === NEW_REPORT) return <NewReport />;
  if (path === DOWNLOADS) return <DownloadsView />;
  const [, reportId] = /^\/reports\/(\d{1,10})$/.exec(path) ?? [];
  return reportId ? <SavedReport key={reportId} reportId={Number(reportId)} /> : <NotFound />;
}
