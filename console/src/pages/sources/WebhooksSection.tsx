import { useState } from "react";

import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { usePermission, useProject } from "../../session/project";
import { SecretOfSourceDialog, type MadeSource } from "./SecretOfSourceDialog";
import { NewSourceDialog } from "./NewSourceDialog";
import { useWebhookSources, type WebhookSource } from "./queries";
import { ReplaceSecretDialog } from "./ReplaceSecretDialog";
import { SourceActions } from "./SourceActions";
import { SourceDetail } from "./SourceDetail";

export default function WebhooksSection() {
  const { projectId } = useProject();
  const mayChange = usePermission("sources:write");
  const sources = useWebhookSources(projectId);
  const [making, setMaking] = useState(false);
  const [replacing, setReplacing] = useState<WebhookSource | null>(null);
  const [made, setMade] = useState<MadeSource | null>(null);
  const onMade = (source: MadeSource) => {
    setMaking(false);
    setReplacing(null);
    setMade(source);
  };
  return (
    <>
      <PageHead title="Webhooks">
        {mayChange && (
          <button type="button" className="button button-primary" onClick={() => setMaking(true)}>
            New source
          </button>
        )}
      </PageHead>
      <QueryState query={sources}>
        {({ webhook_sources: rows }) =>
          rows.length === 0 ? (
            <NoSources mayChange={mayChange} />
          ) : (
            <DataTable
              label="Sources of webhooks"
              rows={rows}
              rowKey={({ source }) => source}
              columns={mayChange ? [...COLUMNS, actions(setReplacing)] : COLUMNS}
              detail={(source) => <SourceDetail source={source} />}
            />
          )
        }
      </QueryState>
      {making && <NewSourceDialog projectId={projectId} onClose={() => setMaking(false)} onMade={onMade} />}
      {replacing && <ReplaceSecretDialog source={replacing} onClose={() => setReplacing(null)} onMade={onMade} />}
      {made && <SecretOfSourceDialog made={made} onClose={() => setMade(null)} />}
    </>
  );
}

function NoSources({ mayChange }: { mayChange: boolean }) {
  return (
    <EmptyNotice title="No webhooks yet">
      <p>
        Stripe, GitHub and whatever else can sign what it sends may send events here.{" "}
        {mayChange ? "Make a source for each sender." : "An administrator of the project can make a source."}
      </p>
    </EmptyNotice>
  );
}

const COLUMNS: Column<WebhookSource>[] = [
  { key: "source", title: "Source", className: "cell-long", cell: ({ source }) => source },
  { key: "kind", title: "Kind", cell: ({ kind }) => kind },
  {
    key: "state",
    title: "State",
    cell: ({ paused }) => <span className={`tag ${paused ? "tag-off" : "tag-on"}`}>{paused ? "paused" : "takes events"}</span>,
  },
  { key: "made", title: "Made", cell: ({ created_at }) => <Moment at={created_at} /> },
];

function actions(replace: (source: WebhookSource) => void): Column<WebhookSource> {
  return {
    key: "actions",
    title: "Actions",
    className: "cell-actions",
    cell: (source) => <SourceActions source={source} onReplace={replace} />,
  };
}
