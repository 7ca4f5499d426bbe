import { useQuery } from "@tanstack/react-query";

import { answer, api, ApiError, type Schemas } from "../../api/client";
import { useAction } from "../../hooks/useAction";
import { useProject } from "../../session/project";

export type ListedType = Schemas["ListedType"];
export type EventType = Schemas["EventType"];
export type Mode = Schemas["Catalogue"]["mode"];
export type Verdict = Schemas["Verdict"];

const TYPES_KEY = ["event-types"] as const;
const MODE_KEY = ["catalogue"] as const;
const RENEWS = [TYPES_KEY, ["audit-log"]];

export const typePath = (eventType: string): string => `/catalogue?${new URLSearchParams({ type: eventType })}`;

export function useMode() {
  const { projectId: project_id } = useProject();
  return useQuery({
    queryKey: [...MODE_KEY, project_id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/projects/{project_id}/catalogue", { params: { path: { project_id } }, signal })),
  });
}

export function useSetMode() {
  const { projectId: project_id } = useProject();
  return useAction({
    run: (mode: Mode) =>
      answer(api.PUT("/api/v1/projects/{project_id}/catalogue", { params: { path: { project_id } }, body: { mode } })),
    done: (mode) => `The catalogue's mode is ${mode} now.`,
    renews: [MODE_KEY, ["audit-log"]],
  });
}

export function useTypes() {
  const { projectId: project_id } = useProject();
  return useQuery({
    queryKey: [...TYPES_KEY, project_id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/projects/{project_id}/event-types", { params: { path: { project_id } }, signal })),
  });
}

/** A type with its schema; null when the catalogue does not describe it. */
export function useEventType(eventType: string) {
  const at = useTypePlace(eventType);
  return useQuery({
    queryKey: [...TYPES_KEY, at.params.path.project_id, eventType],
    queryFn: async ({ signal }): Promise<EventType | null> => {
      try {
        return await answer(api.GET("/api/v1/projects/{project_id}/event-types/{event_type}", { ...at, signal }));
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
  });
}

export function useSaveType(eventType: string) {
  const at = useTypePlace(eventType);
  return useAction({
    run: (body: Schemas["EventTypeBody"]) =>
      answer(api.PUT("/api/v1/projects/{project_id}/event-types/{event_type}", { ...at, body })),
    done: `${eventType} is saved. Collectors know it within two seconds.`,
    renews: RENEWS,
    inForm: true,
  });
}

export function useDeleteType(eventType: string, onDone: () => void) {
  const at = useTypePlace(eventType);
  return useAction({
    run: () => answer(api.DELETE("/api/v1/projects/{project_id}/event-types/{event_type}", at)),
    done: `The schema of ${eventType} is deleted.`,
    renews: RENEWS,
    onDone,
  });
}

export function useTry(eventType: string) {
  const at = useTypePlace(eventType);
  return useAction({
    run: (body: Schemas["ExampleBody"]) =>
      answer(api.POST("/api/v1/projects/{project_id}/event-types/{event_type}/check", { ...at, body })),
    inForm: true,
  });
}

function useTypePlace(event_type: string) {
  const { projectId: project_id } = useProject();
  return { params: { path: { project_id, event_type } } };
}
