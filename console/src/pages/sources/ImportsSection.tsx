import { Link } from "wouter";

import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { formatInteger } from "../../lib/format";
import { useProject } from "../../session/project";
import { ImportProgress } from "./ImportProgress";
import { keysOf, useImports, useProjectDetails, type Import, type Project } from "./queries";
import { UploadPanel } from "./UploadPanel";

export default function ImportsSection() {
  const { projectId } = useProject();
  const project = useProjectDetails();
  const imports = useImports(projectId);
  return (
    <>
      <PageHead title="Imports" />
      <QueryState query={project}>{(data) => data && <UploadOf key={data.project_id} project={data} />}</QueryState>
      <QueryState query={imports}>
        {({ imports: rows }) =>
          rows.length === 0 ? (
            <EmptyNotice title="No imports">
              <p>A file of past events is read here by a worker, however large it is. An import is forgotten some days after its end.</p>
            </EmptyNotice>
          ) : (
            <DataTable label="Imports, the newest first" rows={rows} rowKey={(row) => row.import_id} columns={COLUMNS} />
          )
        }
      </QueryState>
    </>
  );
}

function UploadOf({ project }: { project: Project }) {
  if (project.paused) {
    return (
      <EmptyNotice title="This project is paused">
        <p>It takes no files, and imports wait until it goes on.</p>
      </EmptyNotice>
    );
  }
  if (keysOf(project).writeKeys.length === 0) {
    return (
      <EmptyNotice title="The project has no write key">
        <p>
          An import needs one: make it under <Link href="/sources">Write keys</Link>.
        </p>
      </EmptyNotice>
    );
  }
  return <UploadPanel project={project} />;
}

const COLUMNS: Column<Import>[] = [
  { key: "begun", title: "Begun", className: "cell-shrink", cell: ({ created_at }) => <Moment at={created_at} /> },
  { key: "progress", title: "Progress", cell: (row) => <ImportProgress row={row} /> },
  { key: "stored", title: "Stored", className: "cell-number", cell: ({ stored }) => formatInteger(stored) },
  { key: "duplicates", title: "Duplicates", className: "cell-number", cell: ({ duplicates }) => formatInteger(duplicates) },
  {
    key: "rejected",
    title: "Rejected",
    className: "cell-number",
    cell: ({ rejected, rejected_url }) =>
      rejected === 0 ? (
        "0"
      ) : (
        <a href={rejected_url} download>
          {formatInteger(rejected)} in rejected.csv
        </a>
      ),
  },
];
