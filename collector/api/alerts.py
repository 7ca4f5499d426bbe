"""Grafana's alerts: taken at /webhooks/grafana, shown at /api/v1/alerts/history (docs/webhooks.md)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import structlog
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from beatline import alerts
from beatline.accounts.access import Permission
from beatline.alerts import FIRING, RESOLVED, Alert, HistoryChoice
from beatline.events import utc_now
from collector.api.access import grafana_only, needs
from collector.api.schemas import Area, StrictSchema, limit
from collector.services import reading

log = structlog.get_logger()

blueprint = Area("alerts", __name__, description="Alerts of Grafana, and their history")

STATUSES = (FIRING, RESOLVED)
BIGGEST_ID = 2**63 - 1
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
RULE_PAGE = re.compile(r"/alerting/(?:grafana/)?([\w-]{1,200})/(?:view|edit)(?:[?#]|$)")
NO_TIME = "Not between the years 1970 and 2200."
LINKS = ("generator", "silence", "dashboard", "panel", "image")


def text(longest: int | None = None, **options: Any) -> fields.String:
    """A text; NUL is no character of PostgreSQL's."""
    checks: list[Any] = [validate.ContainsNoneOf("\0", error="Holds NUL.")]
    if longest:
        checks.append(validate.Length(1, longest))
    return fields.String(validate=checks, **options)


def texts(**options: Any) -> fields.Dict:
    """Texts by name."""
    return fields.Dict(keys=text(), values=text(), **options)


def time(**options: Any) -> fields.AwareDateTime:
    """A time; without a zone it is UTC."""
    return fields.AwareDateTime(default_timezone=UTC, **options)


class LenientSchema(Schema):
    """What another program sends: fields that a newer version of it has are no error."""

    class Meta:
        unknown = EXCLUDE


class GrafanaAlertSchema(LenientSchema):
    """An alert as Grafana's webhook contact point sends it."""

    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    labels = texts(required=True)
    annotations = texts(load_default=dict, allow_none=True)
    starts_at = time(data_key="startsAt", required=True)
    ends_at = time(
        data_key="endsAt",
        load_default=None,
        allow_none=True,
        metadata={"description": "0001-01-01T00:00:00Z while the alert fires."},
    )
    values = fields.Dict(
        keys=text(),
        values=fields.Float(allow_none=True),
        load_default=None,
        allow_none=True,
        metadata={"description": "What the rule's queries gave, by their names."},
    )
    fingerprint = text(200, required=True, metadata={"description": "The hash of the labels."})
    rule_uid = text(data_key="ruleUID", load_default="")
    generator_url = text(data_key="generatorURL", load_default="")
    silence_url = text(data_key="silenceURL", load_default="")
    dashboard_url = text(data_key="dashboardURL", load_default="")
    panel_url = text(data_key="panelURL", load_default="")
    image_url = text(data_key="imageURL", load_default="")

    @validates_schema
    def check_times(self, alert: dict[str, Any], **_: Any) -> None:
        """Refuse times that no clock shows."""
        if not EARLIEST <= alert["starts_at"] < LATEST:
            raise ValidationError(NO_TIME, "startsAt")
        if alert["ends_at"] and alert["ends_at"] >= LATEST:
            raise ValidationError(NO_TIME, "endsAt")


class GrafanaNotificationSchema(LenientSchema):
    """What Grafana's webhook contact point sends: alerts of a group that fire or are over."""

    alerts = fields.List(fields.Nested(GrafanaAlertSchema), required=True)
    receiver = text(load_default="", metadata={"description": "The contact point's name."})
    org_id = fields.Integer(
        data_key="orgId", load_default=1, strict=True, validate=validate.Range(0, BIGGEST_ID)
    )
    truncated_alerts = fields.Integer(data_key="truncatedAlerts", load_default=0, allow_none=True)


class StoredAlertsSchema(Schema):
    """How many alerts came, how many of them began to fire by it, and how many are over by it."""

    received = fields.Integer(required=True)
    fired = fields.Integer(required=True)
    resolved = fields.Integer(required=True)


class HistoryParameters(StrictSchema):
    """Which episodes, a page of them; cursor is the answer's next_cursor."""

    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))
    alertname = text(1_000, load_default=None, metadata={"description": "The label alertname."})
    rule = text(200, load_default=None, metadata={"description": "The uid of the alert rule."})
    severity = text(1_000, load_default=None, metadata={"description": "The label severity."})
    since = time(load_default=None, metadata={"description": "Those that fired then or later."})
    until = time(load_default=None, metadata={"description": "Those that began before."})
    limit = limit(50, 500)
    cursor = fields.Integer(load_default=None, validate=validate.Range(0, BIGGEST_ID))


class EpisodeSchema(Schema):
    """An alert from when it began to fire until it was over. starts_at and resolved_at are by Grafana's
    clock, the times of receipt by ours."""

    id = fields.Integer(required=True, attribute="alert_id")
    status = fields.String(required=True, metadata={"enum": STATUSES})
    alertname = fields.String(required=True, allow_none=True)
    severity = fields.String(required=True, allow_none=True)
    rule_uid = fields.String(required=True, allow_none=True)
    labels = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    annotations = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    values = fields.Dict(
        keys=fields.String(), values=fields.Float(allow_none=True), required=True, allow_none=True
    )
    links = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    starts_at = fields.DateTime(required=True)
    resolved_at = fields.DateTime(required=True, allow_none=True)
    first_received_at = fields.DateTime(required=True)
    last_received_at = fields.DateTime(required=True)
    deliveries = fields.Integer(required=True)
    receiver = fields.String(required=True)
    org_id = fields.Integer(required=True)
    fingerprint = fields.String(required=True)


class HistorySchema(Schema):
    """A page of episodes."""

    alerts = fields.List(fields.Nested(EpisodeSchema), required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


@blueprint.post("/webhooks/grafana")
@grafana_only
@blueprint.arguments(GrafanaNotificationSchema)
@blueprint.response(200, StoredAlertsSchema)
def take_grafana_alerts(notification: dict[str, Any]) -> dict[str, int]:
    """Store what Grafana tells of its alerts"""
    now = utc_now()
    told = [alert_of(alert, notification, now) for alert in notification["alerts"]]
    if notification["truncated_alerts"]:
        log.warning("alerts left out by Grafana", alerts=notification["truncated_alerts"])
    with reading() as connection:
        changes = alerts.store_alerts(connection, told, now)
    statuses = [change.status for change in changes]
    return {
        "received": len(told),
        "fired": statuses.count(FIRING),
        "resolved": statuses.count(RESOLVED),
    }


def alert_of(alert: dict[str, Any], notification: dict[str, Any], now: datetime) -> Alert:
    """An alert of a notification, as it is stored."""
    rule = RULE_PAGE.search(alert["generator_url"])
    return Alert(
        org_id=notification["org_id"],
        fingerprint=alert["fingerprint"],
        starts_at=alert["starts_at"],
        ends_at=end_of(alert, now) if alert["status"] == RESOLVED else None,
        labels=alert["labels"],
        annotations=alert["annotations"] or {},
        values=alert["values"],
        links={name: alert[f"{name}_url"] for name in LINKS if alert[f"{name}_url"]},
        rule_uid=alert["rule_uid"] or (rule[1] if rule else None),
        receiver=notification["receiver"],
    )


def end_of(alert: dict[str, Any], now: datetime) -> datetime:
    """When an alert was over; by our clock when Grafana names no time."""
    began: datetime = alert["starts_at"]
    told: datetime | None = alert["ends_at"]
    return max(began, told if told and told >= EARLIEST else now)


@blueprint.get("/api/v1/alerts/history")
@needs(Permission.READ_ALERTS)
@blueprint.arguments(HistoryParameters, location="query")
@blueprint.response(200, HistorySchema)
def get_alert_history(parameters: dict[str, Any]) -> dict[str, Any]:
    """Alerts that fire or fired, the newest first"""
    most, cursor = parameters.pop("limit"), parameters.pop("cursor")
    with reading() as connection:
        page = alerts.read_history(connection, HistoryChoice(**parameters), cursor, most)
    return {"alerts": page, "next_cursor": page[-1]["alert_id"] if len(page) == most else None}
