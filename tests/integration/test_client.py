"""The Python client against a real collector: what it says is stored is in the database, once."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from beatline_client import (
    BeatlineClientError,
    Client,
    DeliveryError,
    Progress,
    RejectedError,
    UploadError,
)
from psycopg.rows import dict_row

from beatline.project_admin import create_project
from tests.fixtures.collectors import ROOT, running_collector
from tests.fixtures.storage import count
from tests.sdks.proxy import DELAY_SECONDS, Fault, running_proxy

FIELDS = """event_id::text, event_type, ts, user_id, anonymous_id, session_id, device_id, page_url,
    app_version, os_name, os_version, properties"""
ROWS = 20_000


@contextmanager
def connected(url: str, write_key: str | None = None, **settings: Any) -> Iterator[Client]:
    """A client that retries quickly and must not lose anything."""
    lost: list[tuple[BeatlineClientError, Any]] = []
    quick = {"backoff": 0.02, "max_backoff": 0.1, "on_error": lambda *what: lost.append(what)}
    with Client(url, write_key, **quick | settings) as client:
        yield client
    assert lost == []


def stored(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The events as they are stored, by time."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"select {FIELDS} from events order by ts").fetchall()


def test_given_tracked_events_then_every_field_is_stored_as_it_was_given(
    collector_url: str, connection: psycopg.Connection
) -> None:
    before = datetime.now(UTC)
    with connected(collector_url) as client:
        full = client.track(
            "u1", "order_completed", {"total": 79.5, "items": ["ä", None, {"n": 1}]}, anonymous_id="a1",
            timestamp=datetime(2024, 3, 15, 14, 30, 0, 123456, tzinfo=UTC), session_id="s1",
            page_url="/cart", device_id="d1", app_version="2.3", os_name="iOS", os_version="18.4",
        )  # fmt: skip
        least = client.track(None, "seen", anonymous_id="a2")
        assert client.flush()
    first, second = stored(connection)
    assert first == {
        "event_id": full, "event_type": "order_completed",
        "ts": datetime(2024, 3, 15, 14, 30, 0, 123456, tzinfo=UTC), "user_id": "u1", "anonymous_id": "a1",
        "session_id": "s1", "device_id": "d1", "page_url": "/cart", "app_version": "2.3", "os_name": "iOS",
        "os_version": "18.4", "properties": {"total": 79.5, "items": ["ä", None, {"n": 1}]},
    }  # fmt: skip
    assert before <= second.pop("ts") <= datetime.now(UTC)
    given = {"event_id": least, "event_type": "seen", "anonymous_id": "a2", "properties": {}}
    assert second == dict.fromkeys(second) | given


def test_given_a_write_key_then_events_users_and_groups_are_its_project_s(
    collector_url: str, connection: psycopg.Connection
) -> None:
    with connected(collector_url, create_project(connection, "shop")) as client:
        client.identify("u1", {"name": "Ada", "plan": "free"}, anonymous_id="a1")
        client.identify("u1", {"plan": "pro"})
        client.group("u1", "company", "acme", {"seats": 5})
        assert client.flush()
    users = connection.execute("select project_id, user_id, traits from users").fetchall()
    assert users == [(2, "u1", {"name": "Ada", "plan": "pro"})]
    merged = connection.execute("select project_id, anonymous_id, user_id from user_aliases").fetchall()
    assert merged == [(2, "a1", "u1")]
    groups = connection.execute("select project_id, group_type, group_key, traits from groups").fetchall()
    assert groups == [(2, "company", "acme", {"seats": 5})]
    types = connection.execute("select project_id, event_type from events order by ts").fetchall()
    assert types == [(2, "$identify"), (2, "$identify"), (2, "$group")]


def test_given_a_bad_event_or_an_unknown_key_then_just_what_is_refused_is_reported(
    collector_url: str, connection: psycopg.Connection
) -> None:
    lost: list[tuple[BeatlineClientError, list[dict[str, Any]]]] = []
    with Client(collector_url, on_error=lambda *what: lost.append(what)) as client:
        client.track("u1", "good")
        client.track("u1", "bad", timestamp="last week")
        client.track("u1", "good")
        assert client.flush() is False
    with Client(collector_url, "bl_unknown", on_error=lambda *what: lost.append(what)) as client:
        client.track("u1", "unwelcome")
        assert client.flush() is False
    (rejected, (bad,)), (given_up, (unwelcome,)) = lost
    assert isinstance(rejected, RejectedError)
    assert rejected.errors == {"timestamp": ["Not an ISO 8601 date and time."]}
    assert isinstance(given_up, DeliveryError)
    assert given_up.status == 401
    assert [event["event_type"] for event in (bad, unwelcome)] == ["bad", "unwelcome"]
    assert [row["event_type"] for row in stored(connection)] == ["good", "good"]


def test_given_a_faulty_network_then_every_event_is_stored_once(
    collector_url: str, connection: psycopg.Connection
) -> None:
    faults = [Fault.LOSE_ANSWER, Fault.UNAVAILABLE, Fault.HANG_UP, Fault.LOSE_ANSWER, Fault.DELAY] * 2
    with running_proxy(collector_url, faults) as proxy:
        with connected(proxy.url, flush_size=20, flush_interval=0.01, timeout=DELAY_SECONDS / 2) as client:
            ids = [client.track("u1", "seen", {"n": n}) for n in range(100)]
            assert client.flush()
        assert [exchange.fault for exchange in proxy.exchanges[: len(faults)]] == faults
    assert sorted(row["event_id"] for row in stored(connection)) == sorted(ids)


def write_orders(path: Path, rows: int) -> None:
    """A CSV file of orders a second apart; every thousandth has a time that is none."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "when", "total", "note"])
        for row in range(1, rows + 1):
            when = "soon" if row % 1000 == 0 else (start + timedelta(seconds=row)).isoformat()
            writer.writerow([f"u{row % 500}", when, f"{row / 100:.2f}", 'say "hi",\nthen go'])


ORDERS: dict[str, Any] = {
    "mapping": {"customer": "user_id", "when": "timestamp"},
    "defaults": {"event_type": "order_completed"},
    "upload_id": "orders of 2024",
}


def test_given_a_large_csv_file_when_it_is_uploaded_twice_then_each_row_is_stored_once_or_named(
    collector_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    write_orders(path, ROWS)
    seen: list[Progress] = []
    with connected(collector_url) as client:
        summaries = [client.upload(path, **ORDERS, progress=seen.append) for _ in range(2)]
    for summary in summaries:
        assert (summary.rows, summary.accepted, summary.rejected) == (ROWS, ROWS - 20, 20)
        assert [row for row, _ in summary.rejections] == list(range(1000, ROWS + 1, 1000))
        assert summary.rejections[0].errors == {"timestamp": ["Not an ISO 8601 date and time."]}
    percents = [progress.percent or 0 for progress in seen[: len(seen) // 2]]
    assert len(percents) == ROWS // 1000
    assert percents == sorted(percents)
    assert percents[-1] == 100
    rows = stored(connection)
    assert len(rows) == ROWS - 20
    row = rows[4]
    assert (row["user_id"], row["ts"]) == ("u5", datetime(2024, 1, 1, 0, 0, 5, tzinfo=UTC))
    assert row["properties"] == {"total": 0.05, "note": 'say "hi",\nthen go'}


def test_given_an_interrupted_upload_when_it_is_repeated_then_nothing_is_stored_twice(
    collector_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    write_orders(path, 900)
    nothing_more = (None, Fault.LOSE_ANSWER, *[Fault.HANG_UP] * 9)
    with (
        running_proxy(collector_url, nothing_more) as proxy,
        connected(proxy.url, max_retries=2) as client,
        pytest.raises(UploadError) as raised,
    ):
        client.upload(path, **ORDERS, batch_size=100)
    assert raised.value.summary.accepted == 100
    assert count(connection, "events") == 200  # the second batch was stored, only its answer was lost
    with connected(collector_url) as client:
        summary = client.upload(path, **ORDERS, batch_size=70)
    assert (summary.accepted, count(connection, "events")) == (900, 900)


def test_given_a_collector_with_small_limits_then_batches_are_split_until_they_fit(
    tmp_path: Path, postgres_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    limits = {"max_body_bytes": 20_000, "max_batch_events": 40}
    rows = [{"event_type": "seen", "user_id": f"u{n}", "text": "x" * 200} for n in range(300)]
    rows[150]["text"] = "x" * 30_000
    with running_collector(tmp_path, postgres_url, redis_url, **limits) as url:
        for gzip in (False, True):
            with connected(url, gzip=gzip) as client:
                summary = client.upload(rows, upload_id="split")
            assert (summary.accepted, [row for row, _ in summary.rejections]) == (299, [151])
    assert count(connection, "events") == 299


def test_given_a_collector_that_comes_late_then_events_wait_for_it(
    tmp_path: Path, postgres_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    with running_collector(tmp_path, postgres_url, redis_url) as url:
        port = int(url.rpartition(":")[2])
    with connected(url, max_retries=None) as client:
        ids = {client.track("u1", "seen") for _ in range(50)}
        assert client.flush(0.1) is False
        with running_collector(tmp_path, postgres_url, redis_url, port):
            assert client.flush()
    assert {row["event_id"] for row in stored(connection)} == ids


def test_given_the_example_of_the_readme_then_it_runs_as_written(
    collector_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "clients/python/README.md").read_text(), re.DOTALL
    )
    assert example.count("http://127.0.0.1:8000") == 1
    program = example.replace("http://127.0.0.1:8000", collector_url)
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, check=True, timeout=30, capture_output=True, text=True)
    progress, result = done.stdout.splitlines()
    assert progress == "100 %, 2 rows"
    assert f"# {result}" in example
    assert [row["event_type"] for row in stored(connection)] == [
        "order_completed", "$identify", "order_completed"
    ]  # fmt: skip
