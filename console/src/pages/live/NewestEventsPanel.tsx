import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";

import { answer, api } from "../../api/client";
import { useProject } from "../../session/project";
import { eventsPath, NO_FILTER, withPick } from "../events/filter";
import { TailPanel } from "../events/TailPanel";

const BEFORE = 10;
const BEFORE_MS = 3_600_000;

/** The newest events as they arrive, after some that were there; what is pressed is looked for in Events. */
export function NewestEventsPanel() {
  const { projectId } = useProject();
  const [, navigate] = useLocation();
  const { data: before } = useQuery({
    queryKey: ["newest-events", projectId],
    queryFn: async ({ signal }) => {
      const since = new Date(Date.now() - BEFORE_MS).toISOString();
      const query = { project_id: projectId, since, limit: BEFORE };
      return (await answer(api.GET("/api/v1/events", { params: { query }, signal }))).events;
    },
    staleTime: Infinity,
    gcTime: 0,
  });
  return (
    <div className="panel-wide">
      <TailPanel
        title="Newest events"
        filter={NO_FILTER}
        {...(before && { before })}
        onPick={(pick) => navigate(eventsPath(withPick(NO_FILTER, pick)))}
      >
        <Link href="/event-log">Search all events</Link>
      </TailPanel>
    </div>
  );
}
