import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { useProject } from "../../session/project";
import type { ConditionBody } from "./condition";

export type WatchEpisode = Schemas["WatchEpisode"];
export type GrafanaAlert = Schemas["Episode"];

export const WATCHES_KEY = ["watches"] as const;
export const WATCH_HISTORY_KEY = ["watch-history"] as const;
export const RENEWS = [WATCHES_KEY, WATCH_HISTORY_KEY, ["audit-log"]];

/** As often as the workers look. */
const LOOK_MS = 15_000;

export const inProject = (project_id: number) => ({ params: { path: { project_id } } });
export const ofWatch = (project_id: number, watch_id: number) => ({ params: { path: { project_id, watch_id } } });

const pageFrom = (cursor: number | null) => (cursor === null ? {} : { cursor });

export function useWatches() {
  const { projectId } = useProject();
  return useInfiniteQuery({
    queryKey: [...WATCHES_KEY, projectId],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam, signal }) =>
      answer(
        api.GET("/api/v1/projects/{project_id}/watches", {
          params: { path: { project_id: projectId }, query: pageFrom(pageParam) },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }) => pages.flatMap((page) => page.watches),
    refetchInterval: LOOK_MS,
  });
}

export function useWatch(watchId: number) {
  const { projectId } = useProject();
  return useQuery({
    queryKey: [...WATCHES_KEY, projectId, watchId],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/projects/{project_id}/watches/{watch_id}", { ...ofWatch(projectId, watchId), signal })),
    refetchInterval: LOOK_MS,
  });
}

/** When the watches fired, or one of them. */
export function useWatchHistory(watchId: number | null) {
  const { projectId } = useProject();
  return useInfiniteQuery({
    queryKey: [...WATCH_HISTORY_KEY, projectId, watchId],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam, signal }) => {
      const query = pageFrom(pageParam);
      return answer(
        watchId === null
          ? api.GET("/api/v1/projects/{project_id}/watches/history", { params: { path: { project_id: projectId }, query }, signal })
          : api.GET("/api/v1/projects/{project_id}/watches/{watch_id}/history", {
              params: { path: { project_id: projectId, watch_id: watchId }, query },
              signal,
            }),
      );
    },
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }) => pages.flatMap((page) => page.episodes),
    refetchInterval: LOOK_MS,
  });
}

/** What a condition comes to now; null: it is not whole yet. */
export function useTrial(body: ConditionBody | null) {
  const { projectId } = useProject();
  return useQuery({
    queryKey: ["watch-trial", projectId, body],
    queryFn: ({ signal }) =>
      answer(api.POST("/api/v1/projects/{project_id}/watches/test", { ...inProject(projectId), body: body as ConditionBody, signal })),
    enabled: body !== null,
    placeholderData: keepPreviousData,
    refetchInterval: LOOK_MS,
  });
}

export type Status = GrafanaAlert["status"];

export function useGrafanaAlerts(status: Status | "") {
  return useInfiniteQuery({
    queryKey: ["grafana-alerts", status],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam, signal }) => {
      const query = { ...(status && { status }), ...pageFrom(pageParam) };
      return answer(api.GET("/api/v1/alerts/history", { params: { query }, signal }));
    },
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }) => pages.flatMap((page) => page.alerts),
    refetchInterval: LOOK_MS,
  });
}
