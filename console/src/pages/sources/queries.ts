import { useQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { useProject } from "../../session/project";

export type Project = Schemas["Project"];
export type WebhookSource = Schemas["Source"];
export type Import = Schemas["Import"];

export const PROJECTS_KEY = ["projects"] as const;
export const WEBHOOKS_KEY = ["webhook-sources"] as const;
export const IMPORTS_KEY = ["imports"] as const;

const POLL_MS = 1_000;
const KEY_PREFIX = "bl_";

export const inProject = (project_id: number) => ({ params: { path: { project_id } } });

/** The project of the page, with its keys. */
export function useProjectDetails() {
  const { projectId } = useProject();
  return useQuery({
    queryKey: PROJECTS_KEY,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/projects", { signal })),
    select: ({ projects }) => projects.find((project) => project.project_id === projectId) ?? null,
  });
}

export function useWebhookSources(projectId: number) {
  return useQuery({
    queryKey: [...WEBHOOKS_KEY, projectId],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/projects/{project_id}/webhook-sources", { ...inProject(projectId), signal })),
  });
}

/** The newest imports, asked for again while one of them goes on. */
export function useImports(projectId: number) {
  return useQuery({
    queryKey: [...IMPORTS_KEY, projectId],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/projects/{project_id}/imports", { ...inProject(projectId), signal })),
    refetchInterval: ({ state }) => (state.data?.imports.some(isOpen) ? POLL_MS : false),
  });
}

export const isOpen = ({ status }: Import): boolean => status === "waiting" || status === "running";

export type Keys = {
  /** The newest first; those in `ends` stop then (ISO 8601). */
  writeKeys: string[];
  domains: string[];
  ends: Record<string, string>;
};

/** The API lists domains among the keys. */
export function keysOf({ write_keys, key_ends }: Project): Keys {
  const all = write_keys ?? [];
  return {
    writeKeys: all.filter((key) => key.startsWith(KEY_PREFIX)),
    domains: all.filter((key) => !key.startsWith(KEY_PREFIX)),
    ends: key_ends,
  };
}

/** The key to give out: the newest that does not end. */
export function currentKey(keys: Keys): string | undefined {
  return keys.writeKeys.find((key) => !(key in keys.ends)) ?? keys.writeKeys[0];
}
