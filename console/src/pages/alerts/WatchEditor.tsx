import { useState } from "react";
import { Link, useLocation } from "wouter";

import { answer, api, ApiError } from "../../api/client";
import { EmptyNotice } from "../../components/EmptyNotice";
import { Form } from "../../components/Form";
import { PageHead } from "../../components/PageHead";
import { Panel } from "../../components/Panel";
import { QueryState } from "../../components/QueryState";
import { useAction } from "../../hooks/useAction";
import { useProject } from "../../session/project";
import { bodyOf, conditionWords, draftOf, NEW_WATCH, type Draft, type Watch, type WatchBody } from "./condition";
import { ConditionFields } from "./ConditionFields";
import { EpisodesTable } from "./EpisodesTable";
import { inProject, ofWatch, RENEWS, useWatch } from "./queries";
import { WATCHES } from "./sections";
import { TrialPanel } from "./TrialPanel";
import { WatchActions } from "./WatchActions";
import { WatchFields } from "./WatchFields";
import { WatchState } from "./WatchState";

/** A watch with its history, or a new one. */
export default function WatchEditor({ watchId }: { watchId: number | null }) {
  return watchId === null ? <NewWatch /> : <KnownWatch watchId={watchId} />;
}

function NewWatch() {
  const [, navigate] = useLocation();
  return (
    <>
      <PageHead title="New watch" />
      <WatchForm watch={null} onSaved={() => navigate(WATCHES)} />
    </>
  );
}

function KnownWatch({ watchId }: { watchId: number }) {
  const watch = useWatch(watchId);
  const [, navigate] = useLocation();
  if (watch.error instanceof ApiError && watch.error.status === 404) return <NoWatch />;
  return (
    <QueryState query={watch}>
      {(data) => (
        <>
          <PageHead title={data.name}>
            <WatchActions watch={data} onDeleted={() => navigate(WATCHES)} />
          </PageHead>
          <div className="watch-summary">
            <WatchState watch={data} />
            <p>{conditionWords(data)}.</p>
          </div>
          {data.may_change && <WatchForm key={data.updated_at} watch={data} onSaved={() => {}} />}
          <Panel title="When it fired" className="panel-table">
            <EpisodesTable watchId={watchId} />
          </Panel>
        </>
      )}
    </QueryState>
  );
}

function NoWatch() {
  return (
    <>
      <PageHead title="No such watch" />
      <EmptyNotice title="There is no such watch">
        <p>
          It may have been deleted, or be somebody else’s. <Link href={WATCHES}>All watches</Link>.
        </p>
      </EmptyNotice>
    </>
  );
}

function WatchForm({ watch, onSaved }: { watch: Watch | null; onSaved: () => void }) {
  const [draft, setDraft] = useState<Draft>(() => (watch ? draftOf(watch) : NEW_WATCH));
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const save = useSave(watch, onSaved);
  return (
    <Panel title={watch ? "Change it" : "What is watched"} className="panel-above">
      <Form
        className="watch-form"
        submit="Save"
        busy={save.isPending}
        error={save.error}
        onSubmit={() => {
          const body = bodyOf(draft);
          if (body) save.mutate(body);
        }}
      >
        <ConditionFields draft={draft} onChange={change} />
        <TrialPanel draft={draft} />
        <WatchFields draft={draft} onChange={change} />
      </Form>
    </Panel>
  );
}

function useSave(watch: Watch | null, onSaved: () => void) {
  const { projectId } = useProject();
  const path = "/api/v1/projects/{project_id}/watches";
  return useAction({
    run: (body: WatchBody) =>
      answer(
        watch
          ? api.PUT(`${path}/{watch_id}`, { ...ofWatch(projectId, watch.watch_id), body })
          : api.POST(path, { ...inProject(projectId), body }),
      ),
    done: ({ name }) => `${name} is saved.`,
    renews: RENEWS,
    inForm: true,
    onDone: onSaved,
  });
}
