import { useSearchParams } from "wouter";

import type { Account, Permission } from "../api/client";
import { useAccount } from "./account";
import { SIGN_IN } from "./signInPath";

export const PROJECT_PARAM = "project";
const DEFAULT_PROJECT = 1;

export type Project = { projectId: number; name: string; permissions: string[] };

/** Whoever has not signed in may at most see the default project's numbers. */
const OPEN: Project = { projectId: DEFAULT_PROJECT, name: "default", permissions: ["numbers:read"] };

/** The project that the page is about: the address's (?project=), or else the account's first. */
export function useProject(): Project {
  const [search] = useSearchParams();
  return projectOf(useAccount(), search.get(PROJECT_PARAM));
}

/** Whether who is signed in may do something: in the project, or in the installation as a whole. */
export function usePermission(permission: Permission): boolean {
  const account = useAccount();
  const { permissions } = useProject();
  return permissions.includes(permission) || (account?.permissions.includes(permission) ?? false);
}

export function projectOf(account: Account | null, asked: string | null): Project {
  if (!account) return OPEN;
  const chosen = Number(asked ?? account.projects[0]?.project_id ?? DEFAULT_PROJECT);
  const known = account.projects.find((project) => project.project_id === chosen);
  const { name, permissions } = known ?? { name: `project ${chosen}`, permissions: [] };
  return { projectId: chosen, name, permissions };
}

/** An address of the console with the project of `search`, unless it names one itself. */
export function keepProject(href: string, search: string): string {
  const project = new URLSearchParams(search).get(PROJECT_PARAM);
  const [path = "", query = ""] = href.split("?");
  if (path === SIGN_IN) return href;
  const params = new URLSearchParams(query);
  if (project === null || params.has(PROJECT_PARAM)) return href;
  params.set(PROJECT_PARAM, project);
  return `${path}?${params}`;
}
