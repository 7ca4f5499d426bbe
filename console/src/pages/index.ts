import { lazy, type ComponentType, type LazyExoticComponent } from "react";

import type { Permission } from "../api/client";

type Load = () => Promise<{ default: ComponentType }>;

export type Page = {
  /** Paths below it are the page's own as well. */
  path: string;
  label: string;
  /** What one needs in the project to see it; absent: only to be signed in. */
  permission?: Permission;
  /** Whether it may work without signing in (BEATLINE_OPEN_READING). */
  open?: boolean;
  load: Load;
  Component: LazyExoticComponent<ComponentType>;
};

/**
 * Every page of the navigation, in its order; each is loaded when it is opened. A path here stands in
 * collector/console.py as well, which answers it with the console.
 */
export const pages: Page[] = [
  page("/", "Live", () => import("./live/LivePage"), { permission: "numbers:read", open: true }),
  page("/event-log", "Events", () => import("./events/EventsPage"), { permission: "events:read" }),
  page("/users", "Users", () => import("./users/UsersPage"), { permission: "events:read" }),
  page("/reports", "Reports", () => import("./reports/ReportsPage"), { permission: "reports:read" }),
  page("/alerts", "Alerts", () => import("./alerts/AlertsPage"), { permission: "watches:write" }),
  page("/catalogue", "Catalogue", () => import("./catalogue/CataloguePage"), { permission: "catalogue:read" }),
  page("/rejected-events", "Rejected events", () => import("./rejected-events/RejectedEventsPage"), {
    permission: "rejected:read",
  }),
  page("/sources", "Sources", () => import("./sources/SourcesPage"), { permission: "sources:read" }),
  page("/settings", "Settings", () => import("./settings/SettingsPage")),
];

function page(path: string, label: string, load: Load, access: Pick<Page, "permission" | "open"> = {}): Page {
  return { path, label, load, Component: lazy(load), ...access };
}

/** The page whose path it is, or below which it lies. */
export function findPage(path: string): Page | undefined {
  return pages.find((page) => path === page.path || (page.path !== "/" && path.startsWith(`${page.path}/`)));
}
