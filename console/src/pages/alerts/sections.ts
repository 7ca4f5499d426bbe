import { lazy, type ComponentType } from "react";

import type { Permission } from "../../api/client";

export type Section = {
  path: string;
  label: string;
  /** What one needs in the installation as a whole, beside that of the page. */
  everywhere?: Permission;
  Component: ComponentType;
};

export const WATCHES = "/alerts";
export const NEW_WATCH_PATH = "/alerts/watches/new";
export const WATCH_PATH = /^\/alerts\/watches\/(new|\d{1,15})$/;

export const watchPath = (watchId: number): string => `/alerts/watches/${watchId}`;

export const WatchEditor = lazy(() => import("./WatchEditor"));

export const sections: Section[] = [
  { path: WATCHES, label: "Watches", Component: lazy(() => import("./WatchesSection")) },
  { path: "/alerts/history", label: "History", Component: lazy(() => import("./HistorySection")) },
  {
    path: "/alerts/grafana",
    label: "Grafana’s alerts",
    everywhere: "alerts:read",
    Component: lazy(() => import("./GrafanaSection")),
  },
];
