"""/api/v1/metrics/: the rolling metrics. Every window ends at as_of, a second ago at most, and is exact
(REQUIREMENTS A1, A2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from beatline.accounts.access import Permission
from beatline.analytics.active_sessions import active_sessions
from beatline.analytics.active_users import active_users
from beatline.analytics.overview import overview
from beatline.analytics.throughput import throughput
from beatline.analytics.top_pages import top_pages
from beatline.analytics.windows import ACTIVE, PAGES
from beatline.events import utc_now
from collector.api.access import needs
from collector.api.cached import cached, rolling
from collector.api.schemas import Area, ProjectParameters, limit, user_id
from collector.services import reading

blueprint = Area(
    "rolling",
    __name__,
    url_prefix="/api/v1/metrics",
    description="Rolling metrics: exact sliding windows that end now",
)


class OverviewParameters(ProjectParameters):
    """How many pages, and whose sessions."""

    limit = limit(5, 100)
    user_id = user_id()


class TopPagesParameters(ProjectParameters):
    """How many pages."""

    limit = limit(5, 100)


class ActiveSessionsParameters(ProjectParameters):
    """Whose sessions; absent: everybody's."""

    user_id = user_id()


class ThroughputParameters(ProjectParameters):
    """Seconds to look back, and seconds of one point."""

    window = fields.Integer(load_default=300, validate=validate.Range(1, 900))
    step = fields.Integer(load_default=5, validate=validate.Range(1, 60))


class PageSchema(Schema):
    """A page with its views."""

    page_url = fields.String(required=True)
    views = fields.Integer(required=True)


class WindowSchema(Schema):
    """When a window ends, and how long it is."""

    as_of = fields.DateTime(required=True)
    window_seconds = fields.Integer(required=True)


class ActiveUsersSchema(WindowSchema):
    """Distinct users with an event in the window."""

    active_users = fields.Integer(required=True)


class TopPagesSchema(WindowSchema):
    """Pages by views in the window, most viewed first."""

    pages = fields.List(fields.Nested(PageSchema), required=True)


class ActiveSessionsSchema(WindowSchema):
    """Sessions with an event in the window."""

    user_id = fields.String(required=True, allow_none=True)
    active_sessions = fields.Integer(required=True)


class PointSchema(Schema):
    """The events of one step."""

    at = fields.DateTime(required=True)
    events = fields.Integer(required=True)
    events_per_second = fields.Float(required=True)


class ThroughputSchema(Schema):
    """Events per second over the last minutes, oldest first."""

    as_of = fields.DateTime(required=True)
    step_seconds = fields.Integer(required=True)
    points = fields.List(fields.Nested(PointSchema), required=True)


class OverviewSchema(Schema):
    """The numbers of the live page, all of the same moment."""

    as_of = fields.DateTime(required=True)
    active_users = fields.Integer(required=True)
    active_sessions = fields.Integer(required=True)
    page_views = fields.Integer(required=True)
    events_per_second = fields.Float(required=True)
    top_pages = fields.List(fields.Nested(PageSchema), required=True)
    windows = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


@blueprint.get("/overview")
@needs(Permission.READ_NUMBERS)
@blueprint.arguments(OverviewParameters, location="query")
@cached(rolling)
@blueprint.response(200, OverviewSchema)
def get_overview(parameters: dict[str, Any]) -> dict[str, Any]:
    """Active users, active sessions, top pages and events per second at once"""
    now = utc_now()
    with reading() as connection:
        return overview(connection, parameters.pop("project_id"), now, **parameters)


@blueprint.get("/active-users")
@needs(Permission.READ_NUMBERS)
@blueprint.arguments(ProjectParameters, location="query")
@cached(rolling)
@blueprint.response(200, ActiveUsersSchema)
def get_active_users(parameters: dict[str, Any]) -> dict[str, Any]:
    """Distinct users, or anonymous visitors, with an event in the last 5 minutes"""
    now = utc_now()
    with reading() as connection:
        users = active_users(connection, parameters["project_id"], now)
    return window(now, ACTIVE) | {"active_users": users}


@blueprint.get("/top-pages")
@needs(Permission.READ_NUMBERS)
@blueprint.arguments(TopPagesParameters, location="query")
@cached(rolling)
@blueprint.response(200, TopPagesSchema)
def get_top_pages(parameters: dict[str, Any]) -> dict[str, Any]:
    """The most viewed pages of the last 15 minutes"""
    now = utc_now()
    with reading() as connection:
        pages = top_pages(connection, parameters["project_id"], now, parameters["limit"])
    return window(now, PAGES) | {"pages": [{"page_url": url, "views": n} for url, n in pages]}


@blueprint.get("/active-sessions")
@needs(Permission.READ_NUMBERS)
@blueprint.arguments(ActiveSessionsParameters, location="query")
@cached(rolling)
@blueprint.response(200, ActiveSessionsSchema)
def get_active_sessions(parameters: dict[str, Any]) -> dict[str, Any]:
    """Sessions with an event in the last 5 minutes, of one user or of all"""
    now = utc_now()
    with reading() as connection:
        sessions = active_sessions(connection, parameters["project_id"], now, parameters["user_id"])
    return window(now, ACTIVE) | {"user_id": parameters["user_id"], "active_sessions": sessions}


@blueprint.get("/throughput")
@needs(Permission.READ_NUMBERS)
@blueprint.arguments(ThroughputParameters, location="query")
@cached(rolling)
@blueprint.response(200, ThroughputSchema)
def get_throughput(parameters: dict[str, Any]) -> dict[str, Any]:
    """Events per second over the last minutes, for a live chart"""
    now = utc_now()
    step = min(parameters["step"], parameters["window"])
    width, length = timedelta(seconds=parameters["window"]), timedelta(seconds=step)
    with reading() as connection:
        points = throughput(connection, parameters["project_id"], now, width, length)
    return {
        "as_of": now,
        "step_seconds": step,
        "points": [{"at": at, "events": n, "events_per_second": n / step} for at, n in points],
    }


def window(now: datetime, width: timedelta) -> dict[str, Any]:
    """The fields that every window's answer starts with."""
    return {"as_of": now, "window_seconds": int(width.total_seconds())}
