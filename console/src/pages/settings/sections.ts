import { lazy, type ComponentType } from "react";

import type { Permission } from "../../api/client";

export type Section = {
  path: string;
  label: string;
  /** Any of these opens it: in the project, or in the installation. None: it is one's own. */
  anyOf: Permission[];
  Component: ComponentType;
};

export const own: Section[] = [
  { path: "/settings/profile", label: "Profile", anyOf: [], Component: lazy(() => import("./ProfileSection")) },
  { path: "/settings/password", label: "Password", anyOf: [], Component: lazy(() => import("./PasswordSection")) },
  {
    path: "/settings/notifications",
    label: "Notifications",
    anyOf: [],
    Component: lazy(() => import("./NotificationsSection")),
  },
  { path: "/settings/logins", label: "Login sessions", anyOf: [], Component: lazy(() => import("./LoginsSection")) },
  { path: "/settings/tokens", label: "API tokens", anyOf: [], Component: lazy(() => import("./TokensSection")) },
];

export const administration: Section[] = [
  {
    path: "/settings/projects",
    label: "Projects",
    anyOf: ["projects:write", "sources:write"],
    Component: lazy(() => import("./ProjectsSection")),
  },
  {
    path: "/settings/members",
    label: "Members",
    anyOf: ["members:write"],
    Component: lazy(() => import("./MembersSection")),
  },
  {
    path: "/settings/accounts",
    label: "Accounts",
    anyOf: ["accounts:write"],
    Component: lazy(() => import("./AccountsSection")),
  },
  {
    path: "/settings/audit-log",
    label: "Audit log",
    anyOf: ["audit:read"],
    Component: lazy(() => import("./AuditLogSection")),
  },
  {
    path: "/settings/jobs",
    label: "Jobs",
    anyOf: ["jobs:read"],
    Component: lazy(() => import("./JobsSection")),
  },
];
