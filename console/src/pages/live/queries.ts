import { useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { useProject } from "../../session/project";
import {
  getActiveSessions,
  getOverview,
  getThroughput,
  type ActiveSessions,
  type Overview,
  type Throughput,
} from "./answers";

/** How often the page's numbers are fetched, in milliseconds. */
export const REFRESH_MS = 30_000;
/** While nothing arrives the first event is awaited closely. */
export const QUIET_REFRESH_MS = 5_000;
export const CHART_REFRESH_MS = 5_000;

const CHART = { window: 300, step: 5 }; // seconds

export type LiveOverview = {
  data: Overview | undefined;
  /** The failure of the last request; stays while the next one is under way. */
  error: Error | null;
  updatedAt: number;
  dueAt: number;
  interval: number;
  fetching: boolean;
  refresh: () => Promise<unknown>;
};

export function useLiveOverview(): LiveOverview {
  const { projectId } = useProject();
  const query = useQuery({
    queryKey: ["overview", projectId],
    queryFn: ({ signal }) => getOverview(projectId, signal),
    refetchInterval: ({ state }) => refreshInterval(state.data),
  });
  const interval = refreshInterval(query.data);
  const settledAt = Math.max(query.dataUpdatedAt, query.errorUpdatedAt);
  useFilteredSessionsFollow(settledAt);
  return {
    data: query.data,
    error: useLastError(query),
    updatedAt: query.dataUpdatedAt,
    dueAt: settledAt + interval,
    interval,
    fetching: query.isFetching,
    refresh: query.refetch,
  };
}

/** The active sessions of one user; renewed together with the overview. */
export function useActiveSessions(userId: string): UseQueryResult<ActiveSessions> {
  const { projectId } = useProject();
  return useQuery({
    queryKey: ["active-sessions", projectId, userId],
    queryFn: ({ signal }) => getActiveSessions(projectId, userId, signal),
    enabled: userId !== "",
  });
}

export function useThroughput(): UseQueryResult<Throughput> {
  const { projectId } = useProject();
  return useQuery({
    queryKey: ["throughput", projectId],
    queryFn: ({ signal }) => getThroughput(projectId, CHART, signal),
    refetchInterval: CHART_REFRESH_MS,
    retry: false,
  });
}

/** Whether neither a user, nor a session, nor a page view is in the rolling windows. */
export function isQuiet(overview: Overview): boolean {
  return overview.active_users + overview.active_sessions + overview.page_views === 0;
}

function refreshInterval(overview: Overview | undefined): number {
  return overview && isQuiet(overview) ? QUIET_REFRESH_MS : REFRESH_MS;
}

function useFilteredSessionsFollow(settledAt: number): void {
  const client = useQueryClient();
  useEffect(() => {
    if (settledAt === 0) return;
    void client.invalidateQueries({ queryKey: ["active-sessions"] }, { cancelRefetch: false });
  }, [client, settledAt]);
}

/** A query without data forgets its error when it starts again; the page must not. */
function useLastError(query: UseQueryResult): Error | null {
  const [last, setLast] = useState<Error | null>(null);
  if (query.error && query.error !== last) setLast(query.error);
  if (query.isSuccess && last) setLast(null);
  return query.error ?? (query.isPending ? last : null);
}
