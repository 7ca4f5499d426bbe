import type { Permission, Role } from "../api/client";

/** What each permission lets one do, in words; every one of the API's stands here. */
export const PERMISSIONS: Record<Permission, string> = {
  "numbers:read": "Counts and rolling metrics",
  "events:read": "Events, users and their sessions",
  "catalogue:read": "See the catalogue",
  "catalogue:write": "Change the catalogue",
  "rejected:read": "See rejected events",
  "rejected:write": "Dismiss and replay rejected events",
  "sources:read": "See write keys, webhooks and imports",
  "sources:write": "Change write keys and webhooks",
  "alerts:read": "See alerts",
  "reports:read": "See and run reports",
  "reports:write": "Save and schedule reports",
  "watches:write": "Have watches of one's own",
  "audit:read": "See the audit log",
  "members:write": "Change who has which role",
  "projects:write": "Make projects",
  "accounts:write": "Make and change accounts",
  "jobs:read": "See the workers' jobs and what failed",
  "jobs:write": "Send what failed again, or dismiss it",
};

export const ROLES: Record<Role, string> = {
  viewer: "Viewer: numbers, reports and the catalogue",
  analyst: "Analyst: events, users and sources as well",
  admin: "Admin: everything",
};

export const roleNames = Object.keys(ROLES) as Role[];
export const permissionNames = Object.keys(PERMISSIONS) as Permission[];
