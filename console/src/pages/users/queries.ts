import { useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { useProject } from "../../session/project";
import { asLog, readPage, type EventLogQuery } from "../events/queries";

export type User = Schemas["User"];
export type UserDetails = Schemas["UserDetails"];
export type Session = Schemas["Session"];

const PAGE = 50;

/** Users, the last seen first: all, or those that a text finds. */
export function useUsers(search: string) {
  const { projectId } = useProject();
  return useInfiniteQuery({
    queryKey: ["users", projectId, search],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: PAGE, ...(search && { search }), ...(pageParam && { cursor: pageParam }) };
      const params = { path: { project_id: projectId }, query };
      return answer(api.GET("/api/v1/projects/{project_id}/users", { params, signal }));
    },
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }) => ({
      users: pages.flatMap((page) => page.users),
      searchedUntil: pages.at(-1)?.searched_until ?? null,
    }),
  });
}

export function useUser(userId: string) {
  const { projectId } = useProject();
  return useQuery({
    queryKey: ["user", projectId, userId],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/projects/{project_id}/users/{user_id}", { params: { path: pathOf(projectId, userId) }, signal })),
  });
}

export function useUserSessions(userId: string) {
  const { projectId } = useProject();
  return useInfiniteQuery({
    queryKey: ["user-sessions", projectId, userId],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: 20, ...(pageParam && { cursor: pageParam }) };
      const params = { path: pathOf(projectId, userId), query };
      return answer(api.GET("/api/v1/projects/{project_id}/users/{user_id}/sessions", { params, signal }));
    },
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }) => pages.flatMap((page) => page.sessions),
  });
}

/** The events of a user, also those from before they were known, the newest first. */
export function useTimeline(userId: string): EventLogQuery {
  const { projectId } = useProject();
  return useInfiniteQuery({
    queryKey: ["user-events", projectId, userId],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: PAGE, ...(pageParam && { cursor: pageParam }) };
      const params = { path: pathOf(projectId, userId), query };
      return readPage(answer(api.GET("/api/v1/projects/{project_id}/users/{user_id}/events", { params, signal })));
    },
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }) => asLog(pages),
    staleTime: Infinity,
  });
}

function pathOf(project_id: number, user_id: string) {
  return { project_id, user_id };
}
