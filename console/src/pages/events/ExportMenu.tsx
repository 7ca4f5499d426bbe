import { Menu } from "../../components/Menu";
import { notify } from "../../lib/toasts";
import { readAccount } from "../../session/account";
import { useProject } from "../../session/project";
import { apiQuery, rangeOf, type Filter } from "./filter";

const FORMATS = { ndjson: "NDJSON, an event a line", csv: "CSV, for spreadsheets" } as const;
type Format = keyof typeof FORMATS;

/** All events that pass the filter as a file, which the browser takes itself as it comes. */
export function ExportMenu({ filter }: { filter: Filter }) {
  const { projectId } = useProject();
  const start = async (format: Format) => {
    const account = await readAccount().catch(() => null); // a download cannot renew an access token
    if (!account) {
      notify("Not exported: you are not signed in any more, or nothing answers.", "failed");
      return;
    }
    download(exportAddress(filter, projectId, format));
    notify("The export begins; the browser shows how far it is.");
  };
  return (
    <Menu label="Export" className="button" button="Export">
      {(Object.keys(FORMATS) as Format[]).map((format) => (
        <button key={format} type="button" className="nav-link nav-button" onClick={() => void start(format)}>
          {FORMATS[format]}
        </button>
      ))}
    </Menu>
  );
}

export function exportAddress(filter: Filter, projectId: number, format: string): string {
  const { event_type = [], property = [], ...rest } = apiQuery(filter, rangeOf(filter.time, Date.now()));
  const params = new URLSearchParams({ ...rest, project_id: String(projectId), format });
  for (const name of event_type) params.append("event_type", name);
  for (const each of property) params.append("property", each);
  return `/api/v1/events/export?${params}`;
}

function download(address: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  link.click();
}
