import { useQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { sendPatiently } from "../../api/send";
import { useProject } from "../../session/project";
import type { Definition } from "./asked";

export type Report = Omit<Schemas["Report"], "definition"> & { definition: Definition };
export type Schedule = Schemas["Schedule"];

export const REPORTS_KEY = ["reports"] as const;
export const RUNS_KEY = ["report-runs"] as const;
export const SCHEDULES_KEY = ["report-schedules"] as const;
/** What a change of reports or schedules changes beside them. */
export const RENEWS = [REPORTS_KEY, SCHEDULES_KEY, ["audit-log"]];

export const inProject = (project_id: number) => ({ params: { path: { project_id } } });
export const ofReport = (project_id: number, report_id: number) => ({ params: { path: { project_id, report_id } } });

export function useReports() {
  const { projectId } = useProject();
  return useQuery({
    queryKey: [...REPORTS_KEY, projectId],
    queryFn: async ({ signal }) => {
      const asked = api.GET("/api/v1/projects/{project_id}/reports", { ...inProject(projectId), signal });
      return (await answer(asked)).reports as unknown as Report[];
    },
  });
}

export function useReport(reportId: number) {
  const { projectId } = useProject();
  return useQuery({
    queryKey: [...REPORTS_KEY, projectId, reportId],
    queryFn: async ({ signal }) => {
      const asked = api.GET("/api/v1/projects/{project_id}/reports/{report_id}", { ...ofReport(projectId, reportId), signal });
      return (await answer(asked)) as unknown as Report;
    },
  });
}

/** What is to be answered: a saved report as it is, for which fewer rights are needed, or a definition. */
export type Question = { reportId: number; version: number } | { definition: Definition };

/** A report's answer, as old as it says until it is asked anew. */
export function useResult(question: Question) {
  const { projectId } = useProject();
  return useQuery({
    queryKey: [...RUNS_KEY, projectId, question],
    queryFn: ({ signal }) => answer(run(projectId, question, signal)),
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
}

function run(projectId: number, question: Question, signal: AbortSignal) {
  const patient = { signal, fetch: sendPatiently };
  return "definition" in question
    ? api.POST("/api/v1/projects/{project_id}/reports/run", { ...inProject(projectId), body: question, ...patient })
    : api.POST("/api/v1/projects/{project_id}/reports/{report_id}/run", { ...ofReport(projectId, question.reportId), body: {}, ...patient });
}

export function useSchedules(reportId: number) {
  const { projectId } = useProject();
  return useQuery({
    queryKey: [...SCHEDULES_KEY, projectId, reportId],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/projects/{project_id}/reports/{report_id}/schedules", { ...ofReport(projectId, reportId), signal })),
  });
}
