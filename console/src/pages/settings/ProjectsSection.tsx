import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { answer, api, type Account, type Schemas } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { DataTable, type Column } from "../../components/DataTable";
import { Dialog } from "../../components/Dialog";
import { Form, textOf, TextField } from "../../components/Form";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { useAction } from "../../hooks/useAction";
import { useAccount } from "../../session/account";

type Project = Schemas["Project"];
type Change = { project: Project; body: Schemas["ProjectBody"] };

const PROJECTS_KEY = ["projects"] as const;
const RENEWS = [PROJECTS_KEY, ["account"], ["audit-log"]];

export default function ProjectsSection() {
  const account = useAccount();
  const [making, setMaking] = useState(false);
  const [renaming, setRenaming] = useState<Project | null>(null);
  const projects = useQuery({
    queryKey: PROJECTS_KEY,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/projects", { signal })),
  });
  const pause = useAction({
    run: change,
    done: ({ project, body }) => `${project.name} ${body.paused ? "refuses events now" : "takes events again"}.`,
    renews: RENEWS,
  });
  return (
    <>
      <PageHead title="Projects">
        {account?.permissions.includes("projects:write") && (
          <button type="button" className="button button-primary" onClick={() => setMaking(true)}>
            New project
          </button>
        )}
      </PageHead>
      <QueryState query={projects}>
        {(data) => (
          <DataTable
            label="Projects"
            rows={data.projects}
            rowKey={(project) => project.project_id}
            columns={columns(account, setRenaming, pause.mutate)}
          />
        )}
      </QueryState>
      {making && <NewProjectDialog onClose={() => setMaking(false)} />}
      {renaming && <RenameDialog project={renaming} onClose={() => setRenaming(null)} />}
    </>
  );
}

function change({ project: { project_id }, body }: Change) {
  return answer(api.PATCH("/api/v1/projects/{project_id}", { params: { path: { project_id } }, body }));
}

function NewProjectDialog({ onClose }: { onClose: () => void }) {
  const make = useAction({
    run: (body: Schemas["NewProjectBody"]) => answer(api.POST("/api/v1/projects", { body })),
    done: ({ name }) => `${name} is made. Its write key is under Sources.`,
    renews: RENEWS,
    inForm: true,
    onDone: onClose,
  });
  return (
    <Dialog title="New project" onClose={onClose}>
      <Form
        submit="Make the project"
        busy={make.isPending}
        error={make.error}
        onSubmit={(data) => make.mutate({ name: textOf(data, "name").trim() })}
      >
        <TextField name="name" label="Name" maxLength={200} required autoComplete="off" />
      </Form>
    </Dialog>
  );
}

function RenameDialog({ project, onClose }: { project: Project; onClose: () => void }) {
  const rename = useAction({
    run: change,
    done: ({ body }) => `It is called ${body.name} now.`,
    renews: RENEWS,
    inForm: true,
    onDone: onClose,
  });
  return (
    <Dialog title={`Rename ${project.name}`} onClose={onClose}>
      <Form
        submit="Rename"
        busy={rename.isPending}
        error={rename.error}
        onSubmit={(data) => rename.mutate({ project, body: { name: textOf(data, "name").trim() } })}
      >
        <TextField name="name" label="Name" defaultValue={project.name} maxLength={200} required autoComplete="off" />
      </Form>
    </Dialog>
  );
}

function columns(
  account: Account | null,
  rename: (project: Project) => void,
  pause: (change: Change) => void,
): Column<Project>[] {
  const mayChange = ({ project_id }: Project) =>
    account?.projects.find((project) => project.project_id === project_id)?.permissions.includes("sources:write");
  return [
    { key: "name", title: "Name", cell: ({ name }) => name },
    { key: "number", title: "Number", className: "cell-number", cell: ({ project_id }) => project_id },
    { key: "made", title: "Made", cell: ({ created_at }) => <Moment at={created_at} /> },
    {
      key: "state",
      title: "State",
      cell: ({ paused }) => <span className={`tag ${paused ? "tag-off" : "tag-on"}`}>{paused ? "paused" : "takes events"}</span>,
    },
    {
      key: "actions",
      title: "Actions",
      className: "cell-actions",
      cell: (project) => mayChange(project) && <RowActions project={project} rename={rename} pause={pause} />,
    },
  ];
}

type RowActionsProps = {
  project: Project;
  rename: (project: Project) => void;
  pause: (change: Change) => void;
};

function RowActions({ project, rename, pause }: RowActionsProps) {
  const of = <span className="visually-hidden"> {project.name}</span>;
  return (
    <span className="actions">
      <button type="button" className="button button-small" onClick={() => rename(project)}>
        Rename{of}
      </button>
      {project.paused ? (
        <button type="button" className="button button-small" onClick={() => pause({ project, body: { paused: false } })}>
          Resume{of}
        </button>
      ) : (
        <ConfirmButton
          label="Pause"
          of={project.name}
          className="button button-small"
          question={`Pause ${project.name}?`}
          onConfirm={() => pause({ project, body: { paused: true } })}
        >
          <p>Its events are refused until it is resumed. Most SDKs drop what was refused: those events are lost.</p>
        </ConfirmButton>
      )}
    </span>
  );
}
