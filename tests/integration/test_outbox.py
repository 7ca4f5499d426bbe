"""The outbox: what is queued, for whom, and how often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from beatline import alerts
from beatline.accounts import people
from beatline.accounts.access import Role
from beatline.alerts import Alert
from beatline.notifications.outbox import BODY_LENGTH, TITLE_LENGTH, Notification, notify
from tests.fixtures.notifications import NOW, make_account

MINUTE = timedelta(minutes=1)
PLAIN = {"key": "k", "kind": "watch", "title": "Many errors", "body": "12 in 5 minutes"}


def recipients(connection: Connection) -> set[UUID]:
    """Whom anything is for."""
    return {row[0] for row in connection.execute("select account_id from notification_recipients")}


def queued(connection: Connection) -> list[tuple[str, str]]:
    """What is queued."""
    return connection.execute("select key, collapse from notifications order by notification_id").fetchall()


def test_given_the_same_key_then_it_is_queued_once(connection: Connection) -> None:
    for title in ("Many errors", "Many errors, told again"):
        notify(connection, Notification(**PLAIN | {"title": title}, account_ids=[]), NOW)

    assert connection.execute("select key, title from notifications").fetchall() == [("k", "Many errors")]


def test_given_the_callers_transaction_fails_then_nothing_is_queued(connection: Connection) -> None:
    def fail() -> None:
        with connection.transaction():
            notify(connection, Notification(**PLAIN), NOW)
            connection.execute("select 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        fail()

    assert queued(connection) == []


def test_given_no_accounts_then_it_is_for_all_who_may_read_alerts(connection: Connection) -> None:
    admin = make_account(connection, "admin", Role.ADMIN, None)
    viewer = make_account(connection, "viewer", Role.VIEWER, None)
    make_account(connection, "of-a-project", Role.ADMIN, 1)
    make_account(connection, "nothing", None, None)
    gone = make_account(connection, "gone", Role.ANALYST, None)
    people.disable_account(connection, gone, disabled=True)

    notify(connection, Notification(**PLAIN), NOW)

    assert recipients(connection) == {viewer, admin}


def test_given_accounts_then_it_is_for_those_that_there_are(connection: Connection) -> None:
    make_account(connection, "admin", Role.ADMIN, None)
    viewer = make_account(connection, "viewer", Role.VIEWER, 1)

    notify(connection, Notification(**PLAIN, account_ids=[viewer, viewer, UUID(int=7)]), NOW)

    assert recipients(connection) == {viewer}
    assert queued(connection) == [("k", "k")]


def test_given_texts_that_do_not_fit_then_they_are_cut(connection: Connection) -> None:
    long = PLAIN | {"title": "a\0b" + "t" * 1_000, "body": "b" * 10_000}

    notify(connection, Notification(**long), NOW)

    ((title, body),) = connection.execute("select title, body from notifications").fetchall()
    assert (len(title), title[:3], title[-1], len(body)) == (TITLE_LENGTH, "abt", "…", BODY_LENGTH)


# Grafana's alerts

LABELS = {"alertname": "Too slow", "severity": "page"}
SUMMARY = {"summary": "Requests take 3 s.", "description": "Since the release."}


def alert(minutes: int | None = None, **changes: Any) -> Alert:
    """An alert that fires since noon, or fired for so many minutes."""
    ends_at = NOW + minutes * MINUTE if minutes else None
    plain: dict[str, Any] = {
        "org_id": 1, "fingerprint": "abc", "starts_at": NOW, "ends_at": ends_at, "labels": LABELS,
        "annotations": SUMMARY, "values": None, "links": {}, "rule_uid": None, "receiver": "Beatline",
    }  # fmt: skip
    return Alert(**plain | changes)


def test_given_an_alert_then_those_who_read_alerts_are_told_when_it_fires_and_when_it_is_over(
    connection: Connection,
) -> None:
    admin = make_account(connection, "admin", Role.ADMIN, None)
    make_account(connection, "viewer")
    for told in (alert(), alert(), alert(5), alert(5)):
        alerts.store_alerts(connection, [told], NOW)

    statement = (
        "select kind, title, body, severity, path, collapse from notifications order by notification_id"
    )
    body = "Requests take 3 s.\nSince the release."
    assert connection.execute(statement).fetchall() == [
        ("alert", title, body, "critical", "/alerts", "alert:1:abc")
        for title in ("Too slow", "Over: Too slow")
    ]
    assert recipients(connection) == {admin}


@pytest.mark.parametrize(
    ("said", "severity"),
    [("critical", "critical"), ("page", "critical"), ("Warning", "warning"), ("ticket", "warning"),
     ("note", "info"), ("INFO", "info"), ("anything", "warning"), (None, "warning")],
)  # fmt: skip
def test_given_a_label_then_the_severity_is_one_of_ours(
    connection: Connection, said: str | None, severity: str
) -> None:
    labels = {"severity": said} if said else {}
    alerts.store_alerts(connection, [alert(labels=labels, annotations={})], NOW)

    (told,) = connection.execute("select title, body, severity from notifications").fetchall()
    assert told == ("Alert", f"severity={said}" if said else "", severity)
