import { useState } from "react";

import { isSignedOut } from "../../api/client";
import { ErrorNotice } from "../../components/ErrorNotice";
import { PageHead } from "../../components/PageHead";
import { RefreshBar } from "../../components/RefreshBar";
import { useNow } from "../../hooks/useNow";
import { formatAge, formatClock } from "../../lib/format";
import { usePermission } from "../../session/project";
import { ToSignIn } from "../../session/ToSignIn";
import { ActiveSessionsPanel } from "./ActiveSessionsPanel";
import { ActiveUsersPanel } from "./ActiveUsersPanel";
import { EmptyState } from "./EmptyState";
import { NewestEventsPanel } from "./NewestEventsPanel";
import { isQuiet, useLiveOverview, useThroughput } from "./queries";
import { ThroughputPanel } from "./ThroughputPanel";
import { TopPagesPanel } from "./TopPagesPanel";

export default function LivePage() {
  const overview = useLiveOverview();
  const throughput = useThroughput();
  const seesEvents = usePermission("events:read");
  const [announcement, setAnnouncement] = useState("");

  const refresh = async () => {
    setAnnouncement("");
    await Promise.all([overview.refresh(), throughput.refetch()]);
    setAnnouncement(`Refreshed at ${formatClock(Date.now())}`);
  };

  const { data, error, updatedAt } = overview;
  if (error && isSignedOut(error)) return <ToSignIn />;
  const numbers = { overview: data, updatedAt, failed: error !== null };
  return (
    <>
      <PageHead title="Live">
        <RefreshBar
          updatedAt={updatedAt}
          dueAt={overview.dueAt}
          interval={overview.interval}
          refreshing={overview.fetching}
          onRefresh={() => void refresh()}
        />
      </PageHead>
      <p className="visually-hidden" role="status">
        {error ? "" : announcement}
      </p>
      {error && (
        <ErrorNotice
          error={error}
          consequence={<Consequence updatedAt={updatedAt} />}
          onRetry={() => void refresh()}
        />
      )}
      {!error && data && isQuiet(data) && <EmptyState windowSeconds={data.windows.top_pages} />}
      <div className="live-grid">
        <ActiveUsersPanel {...numbers} />
        <ActiveSessionsPanel {...numbers} />
        <ThroughputPanel query={throughput} />
        <TopPagesPanel {...numbers} />
        {seesEvents && <NewestEventsPanel />}
      </div>
    </>
  );
}

function Consequence({ updatedAt }: { updatedAt: number }) {
  const now = useNow(1000);
  if (!updatedAt) return "No numbers have arrived yet. The page keeps trying by itself.";
  return (
    <>
      The numbers below are <strong>{formatAge((now - updatedAt) / 1000)} old</strong>, from{" "}
      {formatClock(updatedAt)}. The page keeps trying by itself.
    </>
  );
}
