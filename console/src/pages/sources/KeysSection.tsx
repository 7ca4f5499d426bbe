import { useState } from "react";
import { Link } from "wouter";

import { answer, api } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { CopyableText } from "../../components/CopyableText";
import { EmptyNotice } from "../../components/EmptyNotice";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { Panel } from "../../components/Panel";
import { QueryState } from "../../components/QueryState";
import { useAction } from "../../hooks/useAction";
import { usePermission } from "../../session/project";
import { DomainsPanel } from "./DomainsPanel";
import { OriginsPanel } from "./OriginsPanel";
import { inProject, keysOf, PROJECTS_KEY, useProjectDetails, type Project } from "./queries";
import { ReplaceKeyDialog } from "./ReplaceKeyDialog";

export default function KeysSection() {
  const project = useProjectDetails();
  const mayChange = usePermission("sources:write");
  return (
    <QueryState query={project}>
      {(data) =>
        data ? (
          <Keys key={data.project_id} project={data} mayChange={mayChange} />
        ) : (
          <EmptyNotice title="There is no such project">
            <p>Choose another one above.</p>
          </EmptyNotice>
        )
      }
    </QueryState>
  );
}

function Keys({ project, mayChange }: { project: Project; mayChange: boolean }) {
  return (
    <>
      <PageHead title={`Sources of ${project.name}`}>
        <PauseButton project={project} mayChange={mayChange} />
      </PageHead>
      {project.paused && (
        <EmptyNotice title="This project is paused">
          <p>
            Its events are refused.{" "}
            {mayChange ? "Resume it to take them again." : "An administrator of the project can resume it."}
          </p>
        </EmptyNotice>
      )}
      <WriteKeysPanel project={project} mayChange={mayChange} />
      <DomainsPanel project={project} mayChange={mayChange} />
      <OriginsPanel project={project} mayChange={mayChange} />
      {!mayChange && <p className="hint">To change keys, domains and origins is for administrators of the project.</p>}
    </>
  );
}

function WriteKeysPanel({ project, mayChange }: { project: Project; mayChange: boolean }) {
  const [replacing, setReplacing] = useState(false);
  const { writeKeys, ends } = keysOf(project);
  return (
    <Panel title="Write keys" hint="public: they let events in, and nothing out" className="panel-above">
      {writeKeys.length === 0 && <p>There is none. Events come in by domains and webhooks only.</p>}
      <ul className="keys">
        {writeKeys.map((key) => (
          <li key={key}>
            <CopyableText text={key} label="Write key" />
            <p className="hint">
              {key in ends ? (
                <>
                  <span className="tag tag-off">replaced</span> ends <Moment at={ends[key]} />
                </>
              ) : (
                <span className="tag tag-on">current</span>
              )}
            </p>
          </li>
        ))}
      </ul>
      <div className="panel-actions">
        {mayChange && (
          <button type="button" className="button" onClick={() => setReplacing(true)}>
            Replace the key
          </button>
        )}
        <Link className="button button-link" href="/sources/sdks">
          What to paste
        </Link>
      </div>
      {replacing && <ReplaceKeyDialog projectId={project.project_id} onClose={() => setReplacing(false)} />}
    </Panel>
  );
}

function PauseButton({ project, mayChange }: { project: Project; mayChange: boolean }) {
  const { project_id, name, paused } = project;
  const pause = useAction({
    run: (wanted: boolean) =>
      answer(api.PATCH("/api/v1/projects/{project_id}", { ...inProject(project_id), body: { paused: wanted } })),
    done: (wanted) => `${name} ${wanted ? "refuses events now" : "takes events again"}.`,
    renews: [PROJECTS_KEY, ["audit-log"]],
  });
  if (!mayChange) return null;
  if (paused) {
    return (
      <button type="button" className="button button-primary" disabled={pause.isPending} onClick={() => pause.mutate(false)}>
        Resume
      </button>
    );
  }
  return (
    <ConfirmButton label="Pause" of={name} question={`Pause ${name}?`} busy={pause.isPending} onConfirm={() => pause.mutate(true)}>
      <p>Its events are refused until it is resumed. Most SDKs drop what was refused: those events are lost.</p>
    </ConfirmButton>
  );
}
