"""Grafana's alerts: who may tell of them, what is kept of each telling, and how the history is read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from beatline import alerts
from beatline.alerts import Alert, Change
from beatline.embedded.postgres import EmbeddedPostgres
from beatline.settings import Settings
from collector import create_app
from tests.fixtures.admin import GRAFANA_TOKEN, TOKEN
from tests.fixtures.databases import TEMPLATE, a_database
from tests.fixtures.storage import NOON, count
from workers import maintenance

Row = dict[str, Any]
SAMPLES = Path(__file__).resolve().parents[1] / "fixtures" / "webhooks"
PATH, HISTORY = "/webhooks/grafana", "/api/v1/alerts/history"
NO_END = "0001-01-01T00:00:00Z"
MANY = settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def sample(name: str) -> Row:
    """A notification as Grafana sends it."""
    content: Row = json.loads((SAMPLES / f"grafana_{name}.json").read_text())
    return content


def tell(client: FlaskClient, content: Any, token: str | None = GRAFANA_TOKEN, **options: Any) -> Any:
    """Send a notification as Grafana does."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    options.setdefault("content_type", "application/json")
    return client.post(PATH, data=body, headers=headers, **options)


def told(client: FlaskClient, content: Any) -> Row:
    """Send a notification, which is taken; what came of it."""
    answer = tell(client, content)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def history(client: FlaskClient, query: str = "") -> Row:
    """A page of the history."""
    answer = client.get(f"{HISTORY}?{query}", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def kept(connection: psycopg.Connection) -> list[Row]:
    """The kept episodes, the oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from alert_history order by starts_at, alert_id").fetchall()


@pytest.fixture(scope="module")
def shared_url(template_database: EmbeddedPostgres) -> Iterator[str]:
    """A database of the postgres engine for the tests of this file."""
    yield from a_database(template_database.url, TEMPLATE)


@pytest.fixture(scope="module")
def collector(shared_url: str) -> Iterator[Flask]:
    """A collector on it, in this process."""
    app = create_app(Settings(database_url=shared_url, admin_token=TOKEN, grafana_token=GRAFANA_TOKEN))
    yield app
    app.extensions["beatline"].close()


@pytest.fixture
def connection(shared_url: str) -> Iterator[psycopg.Connection]:
    """A connection to it, with an empty history."""
    with psycopg.connect(shared_url, autocommit=True) as connection:
        connection.execute("delete from alert_history")
        yield connection


@pytest.fixture
def grafana(collector: Flask, connection: psycopg.Connection) -> FlaskClient:
    """Grafana, and whoever reads the history."""
    return collector.test_client()


# What is kept of a telling


def test_it_works(grafana: FlaskClient, connection: psycopg.Connection) -> None:
    before = datetime.now(UTC)
    assert told(grafana, sample("firing")) == {"received": 2, "fired": 2, "resolved": 0}

    batch, segment = kept(connection)
    assert (batch["status"], batch["alertname"], batch["severity"]) == ("firing", "Rejected share", "ticket")
    assert (batch["org_id"], batch["fingerprint"], batch["receiver"]) == (1, "c6eadffa33fcdf37", "Beatline")
    assert batch["rule_uid"] == "rejected-share"
    assert batch["labels"]["source"] == "batch"
    assert batch["annotations"] == sample("firing")["alerts"][0]["annotations"]
    assert batch["values"] == {"A": 0.0834943737541908, "C": 1}
    assert batch["links"].keys() == {"generator", "silence", "dashboard", "panel"}
    assert batch["starts_at"] == datetime(2026, 3, 12, 9, 31, 40, 157076, tzinfo=UTC)
    assert (batch["resolved_at"], batch["deliveries"]) == (None, 1)
    assert before <= batch["first_received_at"] == batch["last_received_at"] <= datetime.now(UTC)
    assert segment["labels"]["source"] == "segment"


def test_a_group_of_which_one_is_over(grafana: FlaskClient, connection: psycopg.Connection) -> None:
    told(grafana, sample("firing"))
    assert told(grafana, sample("partly_resolved")) == {"received": 2, "fired": 0, "resolved": 1}
    assert told(grafana, sample("partly_resolved")) == {"received": 2, "fired": 0, "resolved": 0}

    batch, segment = kept(connection)
    assert (batch["status"], batch["deliveries"]) == ("resolved", 3)
    assert batch["resolved_at"] == datetime(2026, 3, 12, 9, 41, 40, 157076, tzinfo=UTC)
    assert batch["values"] == {"A": 0.0834943737541908, "C": 1}, "those that it fired with"
    assert (segment["status"], segment["values"]) == ("firing", {"A": 0.34, "C": 1}), "the latest"
    assert segment["first_received_at"] < segment["last_received_at"]


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("12", "firing", {"rule_uid": "latency-burn-fast", "values": {"fast": None, "short": 14.9}}),
        ("12", "firing", {"starts_at": datetime(2026, 3, 12, 9, 15, 0, 123456, tzinfo=UTC)}),
        ("no_data", "firing", {"alertname": "DatasourceNoData", "rule_uid": "ingestion-stopped"}),
        ("no_data", "firing", {"values": None, "resolved_at": None}),
        ("test", "firing", {"alertname": "TestAlert", "rule_uid": None, "severity": None}),
        ("9", "resolved", {"rule_uid": "chKKKiP7k", "values": None}),
        ("9", "resolved", {"resolved_at": datetime(2026, 3, 13, 2, 57, 1, 186_000, tzinfo=UTC)}),
    ],
)
def test_what_each_release_sends_is_kept(
    grafana: FlaskClient, connection: psycopg.Connection, name: str, status: str, expected: Row
) -> None:
    fired = 1 if status == "firing" else 0
    assert told(grafana, sample(name)) == {"received": 1, "fired": fired, "resolved": 0}
    (row,) = kept(connection)
    assert row.items() >= (expected | {"status": status}).items()


def test_the_image_is_linked(grafana: FlaskClient, connection: psycopg.Connection) -> None:
    told(grafana, sample("12"))
    (row,) = kept(connection)
    assert row["links"]["image"] == "https://grafana.shop.example/public/img/attachments/a1b2.png"


@pytest.mark.parametrize(
    "changed",
    [
        {"annotations": None},
        {"values": {}},
        {"endsAt": None},
        {"endsAt": "2026-03-12T09:30:00Z"},  # when Grafana would give the alert up, were it not told again
        {"novelty": {"of": ["next", "year"]}},
        {"labels": {"alertname": "Größe ≥ 1 \U0001f525", "": "", "a b": "x" * 10_000}},
        {"generatorURL": "no URL"},
    ],
)
def test_what_an_alert_may_look_like(
    grafana: FlaskClient, connection: psycopg.Connection, changed: Row
) -> None:
    content = sample("12")
    content["alerts"][0] |= changed
    assert told(grafana, content | {"novelty": 1})["fired"] == 1
    (row,) = kept(connection)
    assert row["labels"] == content["alerts"][0]["labels"]


@pytest.mark.parametrize("ends_at", [NO_END, None, "2026-03-12T09:14:59Z"])
def test_an_end_that_is_none_is_set_right(
    grafana: FlaskClient, connection: psycopg.Connection, ends_at: str | None
) -> None:
    content = sample("12")
    content["alerts"][0] |= {"status": "resolved", "endsAt": ends_at}
    told(grafana, content)
    (row,) = kept(connection)
    early = ends_at == "2026-03-12T09:14:59Z"
    assert row["resolved_at"] == (row["starts_at"] if early else row["first_received_at"])


def test_alertmanagers_own_form_is_taken_too(grafana: FlaskClient, connection: psycopg.Connection) -> None:
    content = sample("9") | {"version": "4", "groupKey": '{}:{alertname="x"}'}
    for name in ("orgId", "title", "state", "message"):
        del content[name]
    told(grafana, content)
    assert kept(connection)[0]["org_id"] == 1


def test_no_alerts_are_no_error(grafana: FlaskClient, connection: psycopg.Connection) -> None:
    assert told(grafana, {"alerts": []}) == {"received": 0, "fired": 0, "resolved": 0}
    assert count(connection, "alert_history") == 0


# Who may tell, and what is refused


@pytest.mark.parametrize("token", [None, "", TOKEN, f"{GRAFANA_TOKEN}x", GRAFANA_TOKEN[:-1], "ü"])
def test_only_grafana_may_tell(grafana: FlaskClient, connection: psycopg.Connection, token: str) -> None:
    answer = tell(grafana, sample("firing"), token)
    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
    assert count(connection, "alert_history") == 0


def test_the_token_counts_as_bearer_only(grafana: FlaskClient) -> None:
    for credentials in (GRAFANA_TOKEN, f"Token {GRAFANA_TOKEN}", f"Basic {GRAFANA_TOKEN}"):
        answer = grafana.post(PATH, json=sample("firing"), headers={"Authorization": credentials})
        assert answer.status_code == 401, credentials


def test_grafana_may_not_read(grafana: FlaskClient) -> None:
    for token in (GRAFANA_TOKEN, "x"):
        answer = grafana.get(HISTORY, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


@contextmanager
def another_collector(database_url: str, **options: Any) -> Iterator[FlaskClient]:
    """Grafana at a collector of other settings."""
    app = create_app(Settings(database_url=database_url, **options))
    yield app.test_client()
    app.extensions["beatline"].close()


def test_without_a_token_nobody_may(shared_url: str) -> None:
    with another_collector(shared_url) as closed:
        answer = tell(closed, sample("firing"), "anything")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert "BEATLINE_GRAFANA_TOKEN" in answer.json["message"]


def test_a_body_that_is_too_large(shared_url: str, connection: psycopg.Connection) -> None:
    options: dict[str, Any] = {"grafana_token": GRAFANA_TOKEN, "max_body_bytes": 2_000}
    with another_collector(shared_url, **options) as grafana:
        answer = tell(grafana, sample("firing"))
    assert (answer.status_code, answer.json["code"]) == (413, "request_entity_too_large")
    assert count(connection, "alert_history") == 0


def test_while_the_database_is_away_grafana_is_told_to_come_again() -> None:
    with another_collector("postgresql://127.0.0.1:1/none", grafana_token=GRAFANA_TOKEN) as grafana:
        answer = tell(grafana, sample("firing"))
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


BAD_ALERTS: list[tuple[Row, str]] = [
    ({"status": "pending"}, "status"),
    ({"status": None}, "status"),
    ({"labels": None}, "labels"),
    ({"labels": []}, "labels"),
    ({"labels": {"a": 1}}, "labels"),
    ({"labels": {"a": "\0"}}, "labels"),
    ({"labels": {"\0": "a"}}, "labels"),
    ({"annotations": {"a": None}}, "annotations"),
    ({"annotations": {"a": "x\0y"}}, "annotations"),
    ({"startsAt": "yesterday"}, "startsAt"),
    ({"startsAt": None}, "startsAt"),
    ({"startsAt": 1773307800}, "startsAt"),
    ({"startsAt": NO_END}, "startsAt"),
    ({"startsAt": "0001-01-01T00:00:00+02:00"}, "startsAt"),
    ({"startsAt": "9999-12-31T23:59:59-10:00"}, "startsAt"),
    ({"endsAt": "9999-12-31T23:59:59-10:00"}, "endsAt"),
    ({"endsAt": "never"}, "endsAt"),
    ({"values": [1]}, "values"),
    ({"values": {"A": "much"}}, "values"),
    ({"values": {"A": 10**400}}, "values"),
    ({"values": {"\0": 1}}, "values"),
    ({"fingerprint": ""}, "fingerprint"),
    ({"fingerprint": 5}, "fingerprint"),
    ({"fingerprint": "x" * 201}, "fingerprint"),
    ({"fingerprint": "\0"}, "fingerprint"),
    ({"generatorURL": "\0"}, "generatorURL"),
    ({"imageURL": {}}, "imageURL"),
]


def test_a_bad_alert_is_named_and_nothing_is_kept(
    grafana: FlaskClient, connection: psycopg.Connection
) -> None:
    for changed, field in BAD_ALERTS:
        content = sample("firing")
        content["alerts"][1] |= changed
        answer = tell(grafana, content)
        assert (answer.status_code, answer.json["code"]) == (400, "bad_request"), changed
        assert list(answer.json["errors"]["alerts"]["1"]) == [field], changed
    assert count(connection, "alert_history") == 0


def test_a_notification_that_is_none(grafana: FlaskClient, connection: psycopg.Connection) -> None:
    cases: list[tuple[Any, list[str]]] = [
        (sample("legacy"), ["alerts"]),
        ({"alerts": None}, ["alerts"]),
        ({"alerts": {"0": {}}}, ["alerts"]),
        ({"alerts": [None]}, ["alerts"]),
        ({"alerts": [{}]}, ["alerts"]),
        (sample("firing") | {"orgId": "first"}, ["orgId"]),
        (sample("firing") | {"orgId": 2**63}, ["orgId"]),
        (sample("firing") | {"receiver": "\0"}, ["receiver"]),
        (sample("firing") | {"receiver": 5}, ["receiver"]),
        (sample("firing") | {"truncatedAlerts": "many"}, ["truncatedAlerts"]),
    ]
    for content, fields in cases:
        answer = tell(grafana, content)
        assert (answer.status_code, list(answer.json["errors"])) == (400, fields), content
    for body in (
        b"",
        b"{",
        b"[]",
        b"5",
        b'"x"',
        b'{"alerts": [{"labels": {"a": "\\ud800"}}]}',
        b"[" * 10_000,
    ):
        answer = tell(grafana, body)
        assert answer.status_code == 400, body[:50]
        assert answer.json.keys() == {"code", "message", "errors", "request_id"}
    assert count(connection, "alert_history") == 0


def test_other_methods_are_refused(grafana: FlaskClient) -> None:
    answer = grafana.put(PATH, json=sample("firing"))
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_a_source_of_webhooks_may_be_called_grafana(grafana: FlaskClient) -> None:
    answer = grafana.post("/webhooks/in/grafana", json=sample("firing"))
    assert (answer.status_code, answer.json["message"]) == (404, "There is no such source.")


# Where a delivery belongs, on both engines


def at(minute: int | None) -> datetime | None:
    """A time by its minute."""
    return None if minute is None else NOON + timedelta(minutes=minute)


def alert(start: int, end: int | None = None, org_id: int = 1) -> Alert:
    """An alert that fires since a minute, or fired until one."""
    since = NOON + timedelta(minutes=start)
    return Alert(org_id, "abc", since, at(end), {"alertname": "A"}, {}, None, {}, None, "Beatline")


F, R = "firing", "resolved"
# name: (deliveries, the episodes as (start, end, deliveries), what changed)
PLACES: dict[str, tuple[list[Alert], list[tuple[int, int | None, int]], list[str]]] = {
    "it fires": ([alert(1)], [(1, None, 1)], [F]),
    "it fires on": ([alert(1)] * 3, [(1, None, 3)], [F]),
    "it is over": ([alert(1), alert(1, 4)], [(1, 4, 2)], [F, R]),
    "that twice": ([alert(1), alert(1, 4), alert(1, 4)], [(1, 4, 3)], [F, R]),
    "over unheard of": ([alert(1, 4)], [(1, 4, 1)], []),
    "over, then late that it fired": ([alert(1, 4), alert(1)], [(1, 4, 2)], []),
    "over, then late that it fires on": ([alert(1), alert(1, 4), alert(1)], [(1, 4, 3)], [F, R]),
    "over at once": ([alert(1), alert(1, 1)], [(1, 1, 2)], [F, R]),
    "it fires anew": ([alert(1), alert(1, 4), alert(6)], [(1, 4, 2), (6, None, 1)], [F, R, F]),
    "it fires anew, the end unheard of": ([alert(1), alert(6)], [(1, 6, 1), (6, None, 1)], [F, R, F]),
    "and the end comes late": ([alert(1), alert(6), alert(1, 4)], [(1, 4, 2), (6, None, 1)], [F, R, F]),
    "an older one comes late": ([alert(6), alert(1)], [(1, 6, 1), (6, None, 1)], [F]),
    "an older one's end comes late": ([alert(6), alert(1, 4)], [(1, 4, 1), (6, None, 1)], [F]),
    "anew and over, the first end unheard of": ([alert(1), alert(6, 8)], [(1, 6, 1), (6, 8, 1)], [F, R]),
    "over, its start forgotten": ([alert(1), alert(4, 4)], [(1, 4, 2)], [F, R]),
    "that twice, then late that it fired": (
        [alert(1), alert(4, 4), alert(4, 4), alert(1), alert(2)], [(1, 4, 5)], [F, R]
    ),
    "an older end, its start forgotten": (
        [alert(1), alert(6), alert(4, 4), alert(4, 4)], [(1, 6, 3), (6, None, 1)], [F, R, F]
    ),
    "over since an earlier start": ([alert(2), alert(1, 4), alert(1, 4)], [(2, 4, 3)], [F, R]),
    "both starts known": ([alert(1, 9), alert(2), alert(1, 9)], [(1, 9, 3)], []),
    "over for longer than was known": (
        [alert(1, 3), alert(5), alert(1, 9)], [(1, 3, 2), (5, 9, 1)], [F, R]
    ),
    "of another organisation": (
        [alert(1), alert(1, org_id=2), alert(1, 4)], [(1, 4, 2), (1, None, 1)], [F, F, R]
    ),
}  # fmt: skip


def deliver(connection: psycopg.Connection, deliveries: list[Alert]) -> list[Change]:
    """Store deliveries, one at a time; what changed."""
    changes: list[Change] = []
    for number, each in enumerate(deliveries):
        changes += alerts.store_alerts(connection, [each], NOON + timedelta(hours=1, seconds=number))
    return changes


def episodes(connection: psycopg.Connection) -> list[tuple[datetime, datetime | None, int]]:
    """The kept episodes as (start, end, deliveries), in order."""
    return [(row["starts_at"], row["resolved_at"], row["deliveries"]) for row in kept(connection)]


def test_each_delivery_is_put_in_its_place(database: psycopg.Connection) -> None:
    for name, (deliveries, expected, changed) in PLACES.items():
        database.execute("delete from alert_history")
        changes = deliver(database, deliveries)
        assert episodes(database) == [(at(start), at(end), n) for start, end, n in expected], name
        assert [change.status for change in changes] == changed, name
        database.execute("delete from alert_history")
        with database.transaction():
            together = alerts.store_alerts(database, deliveries, NOON)
        assert [change.status for change in together] == changed, f"{name}, in one delivery"


HISTORIES = st.lists(st.integers(1, 5), min_size=2, max_size=8).map(
    lambda gaps: [sum(gaps[: n + 1]) for n in range(len(gaps) // 2 * 2)]
)


@MANY
@given(times=HISTORIES, data=st.data())
def test_any_order_and_any_repetition_give_the_same_history(
    connection: psycopg.Connection, times: list[int], data: st.DataObject
) -> None:
    connection.execute("delete from alert_history")
    spans = list(zip(times[::2], times[1::2], strict=True))
    once = [each for start, end in spans for each in (alert(start), alert(start, end))]
    repeated = data.draw(st.lists(st.sampled_from(once), max_size=6))
    deliveries = data.draw(st.permutations(once + repeated))

    changes = deliver(connection, deliveries)

    rows = episodes(connection)
    assert [(start, end) for start, end, _ in rows] == [(at(start), at(end)) for start, end in spans]
    assert sum(deliveries_of for _, _, deliveries_of in rows) == len(deliveries)
    assert_told_once(changes)


SPANS = st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans())


@MANY
@given(given_spans=st.lists(SPANS, max_size=12))
@example(given_spans=[(5, 0, True), (1, 6, False), (3, 0, True)])
def test_whatever_comes_an_alert_fires_once_at_a_time(
    connection: psycopg.Connection, given_spans: list[tuple[int, int, bool]]
) -> None:
    connection.execute("delete from alert_history")
    deliveries = [
        alert(start) if fires else alert(start, max(start, end)) for start, end, fires in given_spans
    ]
    changes = deliver(connection, deliveries)

    rows = kept(connection)
    assert sum(row["deliveries"] for row in rows) == len(deliveries)
    firing = [row["alert_id"] for row in rows if row["status"] == "firing"]
    assert firing in ([], [rows[-1]["alert_id"]] if rows else [])
    assert_told_once(changes)
    over = {change.alert_id for change in changes if change.status == R}
    assert {change.alert_id for change in changes if change.status == F} - over == set(firing)


def assert_told_once(changes: list[Change]) -> None:
    """Of each episode it is told once that it fires, and after that once that it is over."""
    assert set(Counter((change.alert_id, change.status) for change in changes).values()) <= {1}
    firing: set[int] = set()
    for change in changes:
        assert change.status == F or change.alert_id in firing
        firing.add(change.alert_id)


def test_deliveries_at_the_same_time_are_one(collector: Flask, connection: psycopg.Connection) -> None:
    def send(_: int) -> Row:
        return told(collector.test_client(), sample("firing"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))

    assert sum(answer["fired"] for answer in answers) == 2
    assert [row["deliveries"] for row in kept(connection)] == [16, 16]


def test_a_delivery_that_is_both_is_stored_in_order(
    grafana: FlaskClient, connection: psycopg.Connection
) -> None:
    over = sample("firing")["alerts"][0] | {"status": "resolved", "endsAt": "2026-03-12T09:40:00Z"}
    content = sample("firing")
    content["alerts"] = [content["alerts"][0], over, over]
    assert told(grafana, content) == {"received": 3, "fired": 1, "resolved": 1}
    assert [row["deliveries"] for row in kept(connection)] == [3]


# Telling others


def test_what_is_announced_is_stored_with_the_change_or_not_at_all(
    database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("create temporary table outbox (alert_id bigint, status text)")

    def queue(connection: psycopg.Connection, changes: list[Change], now: datetime) -> None:
        for change in changes:
            values = [change.alert_id, change.status]
            connection.execute("insert into outbox values (%s, %s)", values)
        if len(changes) > 1:
            raise RuntimeError("the power went out")

    monkeypatch.setattr(alerts, "announce", queue)
    deliver(database, [alert(1), alert(1), alert(1, 4), alert(1, 4)])
    with pytest.raises(RuntimeError):
        alerts.store_alerts(database, [alert(6), alert(6, 8)], NOON)

    (row,) = kept(database)
    outbox = database.execute("select alert_id, status from outbox").fetchall()
    assert outbox == [(row["alert_id"], F), (row["alert_id"], R)]


# Reading, and forgetting


@pytest.fixture
def some_history(grafana: FlaskClient) -> None:
    """Episodes of four rules."""
    for name in ("firing", "12", "no_data", "9"):
        told(grafana, sample(name))


def test_an_episode_is_shown_whole(grafana: FlaskClient) -> None:
    told(grafana, sample("9"))
    (shown,) = history(grafana)["alerts"]
    sent = sample("9")["alerts"][0]
    assert isinstance(shown.pop("id"), int)
    assert shown.pop("first_received_at") == shown.pop("last_received_at")
    assert shown == {
        "status": "resolved", "alertname": "Disk filling", "severity": "ticket", "rule_uid": "chKKKiP7k",
        "labels": sent["labels"], "annotations": sent["annotations"], "values": None,
        "links": {"generator": sent["generatorURL"], "silence": sent["silenceURL"]},
        "starts_at": "2026-03-13T02:47:01.186000+00:00", "resolved_at": "2026-03-13T02:57:01.186000+00:00",
        "deliveries": 1, "receiver": "Beatline", "org_id": 1, "fingerprint": "1463e12b33356c44",
    }  # fmt: skip


@pytest.mark.usefixtures("some_history")
def test_episodes_are_found_by_what_they_are(grafana: FlaskClient) -> None:
    disk, no_data, latency = "Disk filling", "DatasourceNoData", "Latency budget burns fast"
    share = "Rejected share"
    for query, names in {
        "": [disk, no_data, latency, share, share],
        "status=resolved": [disk],
        "status=firing&severity=ticket": [share, share],
        "severity=page": [no_data, latency],
        "alertname=Disk%20filling": [disk],
        "alertname=Disk": [],
        "rule=ingestion-stopped": [no_data],
        "rule=latency-burn-fast&severity=ticket": [],
        "since=2026-03-13T02:57:01.186Z": [disk, no_data, latency, share, share],
        "since=2026-03-13T02:57:02Z": [no_data, latency, share, share],
        "until=2026-03-12T09:15:00Z": [],
        "until=2026-03-12T09:16:00": [latency],
        "since=2026-03-12T09:20:00Z&until=2026-03-12T09:32:00Z": [latency, share],
    }.items():
        assert [row["alertname"] for row in history(grafana, query)["alerts"]] == names, query


@pytest.mark.usefixtures("some_history")
def test_the_history_is_read_page_by_page(grafana: FlaskClient) -> None:
    first = history(grafana, "limit=2")
    told(grafana, sample("test"))
    second = history(grafana, f"limit=2&cursor={first['next_cursor']}")
    third = history(grafana, f"limit=2&cursor={second['next_cursor']}")

    assert third["next_cursor"] is None
    ids = [row["id"] for page in (first, second, third) for row in page["alerts"]]
    assert len(ids) == len(set(ids)) == 5
    assert ids == sorted(ids, reverse=True)


def test_a_bad_parameter_is_named(grafana: FlaskClient) -> None:
    for query, field in {
        "status=pending": "status", "alertname=": "alertname", "alertname=%00": "alertname",
        "rule=%00": "rule", "severity=": "severity", "since=yesterday": "since", "until=5": "until",
        "limit=0": "limit", "limit=501": "limit", "cursor=-1": "cursor",
        "cursor=9223372036854775808": "cursor", "colour=red": "colour",
    }.items():  # fmt: skip
        answer = grafana.get(f"{HISTORY}?{query}", headers={"Authorization": f"Bearer {TOKEN}"})
        assert (answer.status_code, list(answer.json["errors"])) == (400, [field]), query


def test_an_alert_that_nobody_tells_of_is_forgotten(database_url: str, database: psycopg.Connection) -> None:
    now = NOON + timedelta(days=100)
    days_ago = {"over": 31, "just over": 29, "silent": 31, "fires": 0}
    for fingerprint, days in days_ago.items():
        told_of = replace(alert(1, 4 if "over" in fingerprint else None), fingerprint=fingerprint)
        alerts.store_alerts(database, [told_of], now - timedelta(days=90))
        alerts.store_alerts(database, [told_of], now - timedelta(days=days))

    maintenance.trim_alert_history(Settings(database_url=database_url, alert_history_days=30), now)

    assert {row["fingerprint"] for row in kept(database)} == {"just over", "fires"}
