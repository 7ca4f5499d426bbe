"""The one place that says which role may do what. What is not allowed here is denied."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What somebody is in a project, or in all of them."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a route asks for. Also the scopes of API tokens."""

    READ_NUMBERS = "numbers:read"  # counts and rolling metrics: nobody's own data
    READ_EVENTS = "events:read"  # the event log, users and their sessions, exports, the live preview
    READ_CATALOGUE = "catalogue:read"
    WRITE_CATALOGUE = "catalogue:write"
    READ_REJECTED = "rejected:read"
    WRITE_REJECTED = "rejected:write"  # dismiss and replay
    READ_SOURCES = "sources:read"  # write keys, webhook sources, imports
    WRITE_SOURCES = "sources:write"
    READ_ALERTS = "alerts:read"
    READ_REPORTS = "reports:read"  # saved reports and what they answer
    WRITE_REPORTS = "reports:write"
    WATCH = "watches:write"  # watches of one's own; those who administer a project have all of it
    READ_AUDIT_LOG = "audit:read"
    WRITE_MEMBERS = "members:write"  # who has which role in the project
    WRITE_PROJECTS = "projects:write"  # make, rename and pause projects
    WRITE_ACCOUNTS = "accounts:write"  # make, disable and delete accounts
    READ_JOBS = "jobs:read"  # the schedule, its runs and dead letters
    WRITE_JOBS = "jobs:write"  # send or dismiss dead letters


VIEWER = frozenset({
    Permission.READ_NUMBERS, Permission.READ_CATALOGUE, Permission.READ_ALERTS, Permission.READ_REPORTS,
    Permission.WATCH,
})  # fmt: skip
ANALYST = VIEWER | {
    Permission.READ_EVENTS, Permission.READ_REJECTED, Permission.READ_SOURCES, Permission.WRITE_REPORTS,
}  # fmt: skip
EVERYTHING = frozenset(Permission)
OF_THE_INSTALLATION = frozenset({
    Permission.WRITE_PROJECTS, Permission.WRITE_ACCOUNTS, Permission.READ_JOBS, Permission.WRITE_JOBS,
})  # fmt: skip
INSTALLATION_WIDE = OF_THE_INSTALLATION | {Permission.READ_ALERTS}  # what they are about is no project's own

ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: VIEWER,
    Role.ANALYST: ANALYST,
    Role.ADMIN: EVERYTHING - OF_THE_INSTALLATION,
}


@dataclass(frozen=True)
class Caller:
    """Whoever asks. roles: by project, None standing for all. scopes: what the way in allows at most.

    account_id is None for the admin token, the command line and those who did not sign in; login_id is set
    for those who signed in, token_id for API tokens.
    """

    name: str
    roles: dict[int | None, Role] = field(default_factory=dict)
    scopes: frozenset[Permission] = EVERYTHING
    account_id: UUID | None = None
    login_id: UUID | None = None
    token_id: UUID | None = None

    def may(self, permission: Permission, project_id: int | None = None) -> bool:
        """Whether the caller may do something in a project; None: in the installation as a whole."""
        return permission in self.permissions(project_id)

    def permissions(self, project_id: int | None = None) -> frozenset[Permission]:
        """All that the caller may do in a project; None: in the installation as a whole."""
        everywhere = self.roles.get(None)
        here = self.roles.get(project_id, everywhere) if project_id is not None else everywhere
        allowed = frozenset[Permission]()
        for role in filter(None, (here, everywhere)):
            allowed |= ALLOWED[role]
        if everywhere is Role.ADMIN:
            allowed |= OF_THE_INSTALLATION
        return allowed & self.scopes

    def projects(self, known: list[int]) -> list[int]:
        """Those of the known projects in which the caller may do anything at all."""
        return [project_id for project_id in known if self.permissions(project_id)]


NOBODY = Caller("nobody")
ADMIN_TOKEN = Caller("admin token", {None: Role.ADMIN})
COMMAND_LINE = Caller("command line", {None: Role.ADMIN})
