"""Workers are killed while they make files: each export has a whole file at last, or says that it failed."""

from __future__ import annotations

import csv
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from pyarrow import parquet

from beatline.events import utc_now
from beatline.exports import (
    FOLDER,
    EventsRequest,
    Export,
    NewExport,
    ReportRequest,
    Request,
    export_store,
    request_export,
)
from beatline.file_store import PART
from beatline.reports.definition import Definition
from beatline.reports.periods import Last, Unit
from beatline.settings import Settings
from tests.faults import export_workers
from tests.faults.export_workers import MOST_ATTEMPTS
from tests.faults.forked import kill, start
from tests.fixtures.event_log import NOW, insert_rows, some_rows
from tests.fixtures.storage import wait_until
from workers.exports import ABANDONED, expire_exports, temporary_folder

KILLS = 100
LONGEST_LIFE_SECONDS = 0.5  # from one kill to the next
AT_FIRST = 6  # exports; then one for each kill
ROWS = 700
DAYS = 7
LIMIT_SECONDS = 120.0
EVENTS = EventsRequest(NOW - timedelta(days=10_000), NOW + timedelta(days=1))
PER_DAY = ReportRequest("Per day", Definition(Last(DAYS, Unit.DAY), grain=Unit.DAY), NOW)
ASKED: list[tuple[Request, str]] = [
    (EVENTS, "csv"), (EVENTS, "parquet"), (EVENTS, "csv"), (EVENTS, "ndjson"), (PER_DAY, "csv"),
]  # fmt: skip
OPEN = "select count(*) from exports where state in ('waiting', 'running')"
# As if the minute had passed after which an export is sent again whose worker is not there any more.
A_MINUTE_LATER = """
    update exports set heartbeat_at = heartbeat_at - interval '1 minute', queued_at = null
    where state in ('waiting', 'running')"""


def ask(connection: Connection, account_id: UUID, number: int) -> None:
    """Ask for an export, of each kind in turns."""
    request, name = ASKED[number % len(ASKED)]
    request_export(connection, NewExport(1, request, name, account_id), utc_now())


def test_no_half_file_is_offered_when_workers_are_killed(
    workers_url: str, redis_url: str, tmp_path: Path, connection: Connection, ann: UUID
) -> None:
    rows = some_rows(ROWS)
    insert_rows(connection, rows)
    ids = sorted(str(row["event_id"]) for row in rows if row["project_id"] == 1)
    settings = {"database_url": workers_url, "redis_url": redis_url, "data": tmp_path}
    files = Files(Settings(**settings), ids)
    for number in range(AT_FIRST):
        ask(connection, ann, number)
    leading = start(export_workers.lead, settings)
    alive = [start(export_workers.work, settings) for _ in range(2)]
    try:
        for round_ in range(KILLS):
            time.sleep(random.uniform(0, LONGEST_LIFE_SECONDS))
            kill(alive.pop(random.randrange(2)))
            files.assert_whole(connection)
            alive.append(start(export_workers.work, settings))
            ask(connection, ann, round_)
            connection.execute(A_MINUTE_LATER)
        wait_until(lambda: all_ended(connection), LIMIT_SECONDS)
    finally:
        for process in (leading, *alive):
            kill(process)

    files.assert_whole(connection)
    ended = read(connection)
    assert_ended_honestly(ended)
    assert_told_once(connection, ended)
    assert_nothing_is_left(Settings(**settings), ended)


def all_ended(connection: Connection) -> bool:
    """Whether no export is open; what was killed is sent again."""
    time.sleep(0.5)
    connection.execute(A_MINUTE_LATER)
    return connection.execute(OPEN).fetchone() == (0,)


def read(connection: Connection) -> list[Export]:
    """All exports."""
    with connection.cursor(row_factory=class_row(Export)) as rows:
        return rows.execute("select * from exports").fetchall()


class Files:
    """Looks into the file of every export that is offered, once. ids: of the events that are wanted."""

    def __init__(self, settings: Settings, ids: list[str]) -> None:
        self.store = export_store(settings)
        self.ids = ids
        self.seen: set[UUID] = set()

    def assert_whole(self, connection: Connection) -> None:
        """Every file that is offered now is whole."""
        for export in read(connection):
            if export.state == "done" and export.export_id not in self.seen:
                self.seen.add(export.export_id)
                self.assert_whole_file(export)

    def assert_whole_file(self, export: Export) -> None:
        """It has as many bytes and rows as it should have, and just the events that are wanted."""
        with self.store.open(str(export.file_name)) as file:
            content = file.read()
        assert len(content) == export.bytes
        if export.kind == "report":
            assert len(in_csv(content)) == export.rows_written == DAYS
            return
        found = READ[export.format](content)
        assert len(found) == export.rows_written
        assert sorted(row["event_id"] for row in found) == self.ids


def in_csv(content: bytes) -> list[dict[str, Any]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(StringIO(content.decode(), newline="")))


READ: dict[str, Callable[[bytes], list[dict[str, Any]]]] = {
    "csv": in_csv,
    "ndjson": lambda content: [json.loads(line) for line in content.splitlines()],
    "parquet": lambda content: parquet.read_table(BytesIO(content)).to_pylist(),
}


def assert_ended_honestly(ended: list[Export]) -> None:
    """Each is done, or failed since its workers died at every attempt; many were killed in the middle."""
    states = Counter(export.state for export in ended)
    assert states.total() == AT_FIRST + KILLS
    assert states["done"] > states.total() / 2, states
    for export in ended:
        if export.state == "failed":
            assert export.file_name is None
            assert export.attempts > MOST_ATTEMPTS
            assert export.error == f"Given up after {MOST_ATTEMPTS} attempts: its workers ended"
        else:
            assert (export.state, export.error) == ("done", None)
            assert export.attempts <= MOST_ATTEMPTS
    begun_again = sum(export.attempts - 1 for export in ended)
    assert begun_again > KILLS / 4, "too few were killed in the middle"


def assert_told_once(connection: Connection, ended: list[Export]) -> None:
    """Who asked is told of each, once."""
    told = connection.execute(
        "select key, title from notifications join notification_recipients using (notification_id)"
    ).fetchall()
    titles = {"done": "Your export is ready", "failed": "Your export failed"}
    assert sorted(told) == sorted((f"export:{each.export_id}", titles[each.state]) for each in ended)


def assert_nothing_is_left(settings: Settings, ended: list[Export]) -> None:
    """What the killed have left is gone a day later; the files of exports are not."""
    offered = sorted(str(export.file_name) for export in ended if export.file_name)
    parts = [path for path in settings.data.rglob(f"*{PART}") if path.is_file()]
    assert parts, "nobody was killed while a file was written"

    expire_exports(settings, utc_now() + 2 * ABANDONED)

    assert list(export_store(settings).names(FOLDER)) == offered
    left = [path for path in (settings.data / "files").rglob("*") if path.is_file()]
    assert len(left) == len(offered)
    assert list(temporary_folder(settings).iterdir()) == []
