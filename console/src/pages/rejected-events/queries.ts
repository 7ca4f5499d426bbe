import { useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { answer, api, ApiError, type Schemas } from "../../api/client";
import { useAction } from "../../hooks/useAction";
import { plural } from "../../lib/format";
import { useProject } from "../../session/project";
import type { Filter } from "./filter";

export type Rejected = Schemas["RejectedEvent"];
export type Shown = { rows: Rejected[]; counts: Record<string, number> };

export const REJECTED_KEY = ["rejected-events"] as const;

export function useRejectedEvents(filter: Filter) {
  const { projectId: project_id } = useProject();
  return useInfiniteQuery({
    queryKey: [...REJECTED_KEY, project_id, filter],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam, signal }) =>
      answer(
        api.GET("/api/v1/projects/{project_id}/rejected-events", {
          params: { path: { project_id }, query: { ...filter, ...(pageParam !== null && { cursor: pageParam }) } },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }): Shown => ({
      rows: pages.flatMap((page) => page.rejected_events),
      counts: pages[0]?.counts ?? {},
    }),
  });
}

/** All that is kept of one. */
export function useRejectedEvent(rejected_id: number) {
  const { projectId: project_id } = useProject();
  return useQuery({
    queryKey: [...REJECTED_KEY, project_id, "one", rejected_id],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/projects/{project_id}/rejected-events/{rejected_id}", {
          params: { path: { project_id, rejected_id } },
          signal,
        }),
      ),
  });
}

/** Dismisses events one by one; one that is gone already is no error. */
export function useDismiss(onDone: () => void) {
  const { projectId: project_id } = useProject();
  return useAction({
    run: async (ids: number[]) => {
      for (const rejected_id of ids) await dismiss(project_id, rejected_id);
    },
    done: (ids) => `${plural(ids.length, "event")} dismissed.`,
    renews: [REJECTED_KEY],
    onDone,
  });
}

async function dismiss(project_id: number, rejected_id: number): Promise<void> {
  try {
    await answer(
      api.DELETE("/api/v1/projects/{project_id}/rejected-events/{rejected_id}", {
        params: { path: { project_id, rejected_id } },
      }),
    );
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
}
