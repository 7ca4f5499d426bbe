export const REPORTS = "/reports";
export const NEW_REPORT = `${REPORTS}/new`;
export const DOWNLOADS = `${REPORTS}/downloads`;

export const reportPath = (reportId: number): string => `${REPORTS}/${reportId}`;
