import { useInfiniteQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { LoadMore } from "../../components/LoadMore";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { useAccount } from "../../session/account";
import { AuditFilter, useAuditFilter, type Filter } from "./AuditFilter";
import { ChangeView } from "./ChangeView";

type Entry = Schemas["AuditEntry"];

export default function AuditLogSection() {
  const [filter, setFilter] = useAuditFilter();
  const account = useAccount();
  const log = useAuditLog(filter);
  const nameOf = (id: number) =>
    account?.projects.find((project) => project.project_id === id)?.name ?? `project ${id}`;
  return (
    <>
      <PageHead title="Audit log" />
      <AuditFilter key={JSON.stringify(filter)} filter={filter} onChange={setFilter} projects={account?.projects ?? []} />
      <QueryState query={log}>
        {(entries) =>
          entries.length === 0 ? (
            <EmptyNotice title="No changes">
              <p>Nothing that was changed fits the filter.</p>
            </EmptyNotice>
          ) : (
            <>
              <DataTable
                label="Administrative changes, the newest first"
                rows={entries}
                rowKey={(entry) => entry.audit_id}
                columns={columns(nameOf)}
                detail={(entry) => <EntryDetail entry={entry} />}
              />
              <LoadMore query={log} shown={entries.length} one="change" />
            </>
          )
        }
      </QueryState>
    </>
  );
}

function useAuditLog(filter: Filter) {
  return useInfiniteQuery({
    queryKey: ["audit-log", filter],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam, signal }) =>
      answer(
        api.GET("/api/v1/audit-log", {
          params: { query: { ...filter, ...(pageParam !== null && { cursor: pageParam }) } },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }) => pages.flatMap((page) => page.entries),
  });
}

function columns(nameOf: (id: number) => string): Column<Entry>[] {
  return [
    { key: "at", title: "When", className: "cell-shrink", cell: ({ at }) => <Moment at={at} /> },
    { key: "actor", title: "Who", cell: ({ actor }) => actor },
    { key: "action", title: "What", cell: ({ action }) => action },
    { key: "subject", title: "Of", cell: ({ subject }) => <span className="cell-long">{subject}</span> },
    { key: "project", title: "Project", cell: ({ project_id }) => (project_id === null ? "–" : nameOf(project_id)) },
  ];
}

function EntryDetail({ entry }: { entry: Entry }) {
  const { before, after, ip_address, request_id } = entry;
  return (
    <>
      <ChangeView before={before} after={after} />
      <p className="footnote">
        From <code>{ip_address ?? "the server itself"}</code>
        {request_id && (
          <>
            , request <code>{request_id}</code>
          </>
        )}
      </p>
    </>
  );
}
