"""Grafana's alerts, kept as history: one row for each time that an alert fires, however often it is told of.

An alert is known by its organisation and fingerprint, and each of its episodes by when it starts. Grafana
tells of an episode when it begins, again and again while it lasts, and when it is over; of the same one from
several contact points, and once more of whatever was not answered. Deliveries overtake one another, so each
is put in its place by Grafana's times and never by the order in which they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from beatline.notifications import outbox
from beatline.notifications.outbox import Notification
from beatline.storage.queries import query, read_count

log = structlog.get_logger()

FIRING, RESOLVED = "firing", "resolved"
PAGE = "/alerts"  # of the console
# What labels say, in the words of notifications; anything else is a warning.
SEVERITY = {
    "critical": "critical", "page": "critical", "emergency": "critical",
    "info": "info", "note": "info", "none": "info",
}  # fmt: skip


@dataclass(frozen=True)
class Alert:
    """An alert as one delivery tells of it. ends_at is None while it fires; values is None where nothing was
    measured; links is {name: URL}."""

    org_id: int
    fingerprint: str
    starts_at: datetime
    ends_at: datetime | None
    labels: dict[str, str]
    annotations: dict[str, str]
    values: dict[str, float | None] | None
    links: dict[str, str]
    rule_uid: str | None
    receiver: str


@dataclass(frozen=True)
class Episode:
    """An episode as it is kept. resolved_at is None while it fires."""

    alert_id: int
    starts_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True)
class Place:
    """Where a delivery belongs: the episode, None for a new one, and when that was over, None while it fires.
    ended is another episode that is over by it, and since when."""

    episode: Episode | None
    resolved_at: datetime | None
    ended: tuple[Episode, datetime] | None = None


class Change(NamedTuple):
    """An episode that began to fire, or that fired and is over."""

    alert_id: int
    status: str
    alert: Alert


@dataclass(frozen=True)
class HistoryChoice:
    """Which episodes; None: any. since and until choose those that fired in between."""

    status: str | None = None
    alertname: str | None = None
    rule: str | None = None
    severity: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def store_alerts(connection: Connection, alerts: list[Alert], now: datetime) -> list[Change]:
    """Store one delivery, all of it or nothing; what changed by it."""
    changes: list[Change] = []
    with connection.transaction():
        connection.execute(query("alert_lock"))
        for alert in alerts:
            changes += store_alert(connection, alert, now)
        announce(connection, changes, now)
    return changes


def announce(connection: Connection, changes: list[Change], now: datetime) -> None:
    """Tell of changes, in the transaction that makes them: what is queued here through the connection is
    queued exactly when the change is stored, and a change is stored once. No call to anybody else belongs
    here, for other deliveries wait meanwhile."""
    for change in changes:
        labels = change.alert.labels
        log.info("alert", status=change.status, alert_id=change.alert_id, alertname=labels.get("alertname"))
        outbox.notify(connection, notification_of(change), now)


def notification_of(change: Change) -> Notification:
    """What those are told who may read alerts. Of one alert they see the latest news only."""
    alert = change.alert
    name = alert.labels.get("alertname") or "Alert"
    words = [alert.annotations.get("summary"), alert.annotations.get("description")]
    told = "\n".join(filter(None, words)) or ", ".join(f"{key}={text}" for key, text in alert.labels.items())
    return Notification(
        key=f"alert:{change.alert_id}:{change.status}",
        kind="alert",
        title=name if change.status == FIRING else f"Over: {name}",
        body=told,
        severity=SEVERITY.get(alert.labels.get("severity", "").lower(), "warning"),
        path=PAGE,
        collapse=f"alert:{alert.org_id}:{alert.fingerprint}",
    )


def store_alert(connection: Connection, alert: Alert, now: datetime) -> list[Change]:
    """Put one alert where it belongs; what changed by it."""
    told = vars(alert) | {"now": now}
    for name in ("labels", "annotations", "values", "links"):
        told[name] = None if told[name] is None else Jsonb(told[name])
    with connection.cursor(row_factory=class_row(Episode)) as rows:
        episodes = rows.execute(query("alert_episodes"), told).fetchall()
    place = place_of(alert, episodes)
    changes = []
    if place.ended:
        other, at = place.ended
        connection.execute(query("alert_end"), {"alert_id": other.alert_id, "resolved_at": at})
        changes.append(Change(other.alert_id, RESOLVED, alert))
    told["resolved_at"] = place.resolved_at
    if place.episode is None:
        alert_id = read_count(connection, "alert_add", told)
        if place.resolved_at is None:
            changes.append(Change(alert_id, FIRING, alert))
    else:
        connection.execute(query("alert_received"), told | {"alert_id": place.episode.alert_id})
        if place.episode.resolved_at is None and place.resolved_at is not None:
            changes.append(Change(place.episode.alert_id, RESOLVED, alert))
    return changes


def place_of(alert: Alert, episodes: list[Episode]) -> Place:
    """Where a delivery belongs among those episodes of its alert that were not over before it starts."""
    own = next((each for each in episodes if each.starts_at == alert.starts_at), None)
    if alert.ends_at is None:
        return place_of_firing(alert.starts_at, own, episodes)
    return place_of_resolved(alert.starts_at, alert.ends_at, own, episodes)


def place_of_firing(starts_at: datetime, own: Episode | None, episodes: list[Episode]) -> Place:
    """An episode that is over stays over. One that begins ends the one before, of which no more was told."""
    if own:
        return Place(own, own.resolved_at)
    for each in episodes:
        if each.starts_at > starts_at:
            return Place(None, each.starts_at)
        if each.resolved_at is None:
            return Place(None, None, ended=(each, starts_at))
        if each.resolved_at > starts_at:
            return Place(each, each.resolved_at)
    return Place(None, None)


def place_of_resolved(
    starts_at: datetime, ends_at: datetime, own: Episode | None, episodes: list[Episode]
) -> Place:
    """The alert does not fire at ends_at, so whatever fired until then is over.

    Where Grafana's Alertmanager had forgotten that the alert fired, starts_at is no start but equals ends_at.
    """
    fired = next((each for each in episodes if each.resolved_at is None and each.starts_at <= ends_at), None)
    if own:
        over = min(own.resolved_at or ends_at, ends_at)
        return Place(own, over, ended=(fired, ends_at) if fired and fired is not own else None)
    if fired and fired.starts_at < starts_at < ends_at:
        return Place(None, ends_at, ended=(fired, starts_at))
    if fired:
        return Place(fired, ends_at)
    for each in episodes:
        within = starts_at == ends_at and each.starts_at < starts_at
        if each.resolved_at and (each.resolved_at == ends_at or (within and ends_at < each.resolved_at)):
            return Place(each, each.resolved_at)
    return Place(None, ends_at)


def read_history(
    connection: Connection, choice: HistoryChoice, cursor: int | None, limit: int
) -> list[dict[str, Any]]:
    """Episodes, the newest first, below a cursor."""
    parameters = vars(choice) | {"cursor": cursor, "limit": limit}
    with connection.cursor(row_factory=dict_row) as rows:
        return rows.execute(query("alert_page"), parameters).fetchall()
