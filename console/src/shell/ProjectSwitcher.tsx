import type { Account } from "../api/client";
import { useQueryParam } from "../hooks/useQueryParam";
import { PROJECT_PARAM, useProject } from "../session/project";

/** Which project the pages are about; nothing to choose for those who have one. */
export function ProjectSwitcher({ account }: { account: Account }) {
  const { projectId, name } = useProject();
  const [, choose] = useQueryParam(PROJECT_PARAM);
  const known = account.projects.some((project) => project.project_id === projectId);
  if (known && account.projects.length < 2) return null;
  if (account.projects.length === 0) return null;
  return (
    <select
      className="project-switcher"
      aria-label="Project"
      value={projectId}
      onChange={(event) => choose(event.target.value)}
    >
      {!known && <option value={projectId}>{name}</option>}
      {account.projects.map((project) => (
        <option key={project.project_id} value={project.project_id}>
          {project.name}
        </option>
      ))}
    </select>
  );
}
