import { useId, type ReactNode } from "react";

import { Menu } from "../../components/Menu";
import { download } from "../../lib/download";
import { notify } from "../../lib/toasts";
import { readAccount } from "../../session/account";
import { usePermission, useProject } from "../../session/project";
import { EVENT_FORMATS, eventsBody, FORMATS, useRequest } from "../reports/exports";
import { apiQuery, rangeOf, type Filter } from "./filter";

const STREAMED = ["csv", "ndjson"] as const;
type Streamed = (typeof STREAMED)[number];

/** All events that pass the filter as a file: by the browser as it comes, or made by the workers. */
export function ExportMenu({ filter }: { filter: Filter }) {
  const { projectId } = useProject();
  const mayHaveFiles = usePermission("reports:read");
  const request = useRequest();
  return (
    <Menu label="Export" className="button" button="Export">
      <Group title="Download now">
        {STREAMED.map((format) => (
          <button key={format} type="button" className="nav-link nav-button" onClick={() => void stream(filter, projectId, format)}>
            {FORMATS[format]}
          </button>
        ))}
      </Group>
      {mayHaveFiles && (
        <Group title="Export as file">
          {EVENT_FORMATS.map((format) => (
            <button
              key={format}
              type="button"
              className="nav-link nav-button"
              aria-disabled={request.isPending}
              onClick={() => !request.isPending && request.mutate(eventsBody(filter, format, Date.now()))}
            >
              {FORMATS[format]}
            </button>
          ))}
        </Group>
      )}
    </Menu>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <div className="menu-group" role="group" aria-labelledby={id}>
      <p id={id} className="menu-title">
        {title}
      </p>
      {children}
    </div>
  );
}

/** The browser takes the events as they are read. */
async function stream(filter: Filter, projectId: number, format: Streamed): Promise<void> {
  const account = await readAccount().catch(() => null); // a download cannot renew an access token
  if (!account) {
    notify("Not exported: you are not signed in any more, or nothing answers.", "failed");
    return;
  }
  download(exportAddress(filter, projectId, format));
  notify("The export begins; the browser shows how far it is.");
}

export function exportAddress(filter: Filter, projectId: number, format: string): string {
  const { event_type = [], property = [], ...rest } = apiQuery(filter, rangeOf(filter.time, Date.now()));
  const params = new URLSearchParams({ ...rest, project_id: String(projectId), format });
  for (const name of event_type) params.append("event_type", name);
  for (const each of property) params.append("property", each);
  return `/api/v1/events/export?${params}`;
}
