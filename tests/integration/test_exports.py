"""Exports: asked for, worked on, cancelled, failed, expired; a file is whole under its name or not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Connection

from beatline import export_files
from beatline.accounts import people
from beatline.errors import NotPossible
from beatline.exports import (
    EventsRequest,
    Export,
    MostOpen,
    NewExport,
    ReportRequest,
    cancel_export,
    export_store,
    find_export,
    forget_export,
    request_export,
)
from beatline.file_store import FileStore, LocalFiles
from beatline.reports.definition import Conditions, Definition
from beatline.reports.periods import Last, Unit
from beatline.reports.saved import Draft, create_report
from beatline.reports.schedules import Wanted
from beatline.settings import Settings
from beatline.storage.queries import query
from tests.fixtures.event_log import NOW, insert_rows, some_rows
from tests.fixtures.storage import wait_until
from workers import exports
from workers.exports import MOST_ATTEMPTS, expire_exports, run_export
from workers.reports import request_export_of

ROWS = 400
ALL = EventsRequest(NOW - timedelta(days=10_000), NOW + timedelta(days=1))
PER_DAY = Definition(Last(7, Unit.DAY), grain=Unit.DAY)
LATER = timedelta(minutes=10)
TOLD = """
    select key, kind, title, body, account_id
    from notifications join notification_recipients using (notification_id)
    order by account_id"""
END_LOCKS = """
    select pg_terminate_backend(pid)
    from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and datname = current_database()"""


@pytest.fixture
def settings(workers_url: str, tmp_path: Path) -> Settings:
    """Workers with a folder of their own."""
    return Settings(database_url=workers_url, data=tmp_path)


@pytest.fixture
def stored(connection: Connection) -> int:
    """How many events project 1 has."""
    rows = some_rows(ROWS)
    insert_rows(connection, rows)
    return sum(row["project_id"] == 1 for row in rows)


def ask(connection: Connection, **wanted: Any) -> UUID:
    """Ask for an export of all events, unless told otherwise."""
    return request_export(
        connection, NewExport(**{"project_id": 1, "request": ALL, "format": "csv"} | wanted), NOW
    )


def work(settings: Settings, export_id: UUID, now: datetime = NOW) -> None:
    """One attempt of a worker."""
    run_export(settings, str(export_id), now)


def found(connection: Connection, export_id: UUID) -> Export:
    """An export as it is now."""
    export = find_export(connection, export_id)
    assert export
    return export


def names(settings: Settings) -> list[str]:
    """The files of the file store."""
    return list(export_store(settings).names(""))


def left_behind(settings: Settings) -> list[Path]:
    """What lies where files are written."""
    return list((settings.data / "exports").glob("*"))


def due(connection: Connection, now: datetime) -> list[UUID]:
    """The exports that the workers are told of."""
    return [export_id for (export_id,) in connection.execute(query("exports_due"), {"now": now})]


def told(connection: Connection) -> list[tuple[Any, ...]]:
    """The notifications, and whom they are for."""
    return connection.execute(TOLD).fetchall()


def an_account(connection: Connection, name: str = "ann") -> UUID:
    """Somebody's account."""
    return people.create_account(connection, f"{name}@example.com", "", "correct horse battery", NOW)


@pytest.mark.parametrize("store", ["folder", "s3"])
def test_given_an_export_then_its_file_is_in_the_file_store_and_who_asked_is_told(
    connection: Connection, settings: Settings, stored: int, store: str, request: pytest.FixtureRequest
) -> None:
    if store == "s3":
        settings = Settings(
            database_url=settings.database_url, data=settings.data, files_url=request.getfixturevalue("s3")
        )
    ann, bob = an_account(connection), an_account(connection, "bob")
    export_id = ask(connection, account_id=ann, recipients=[bob, ann])
    assert (found(connection, export_id).state, due(connection, NOW)) == ("waiting", [export_id])

    work(settings, export_id)

    done = found(connection, export_id)
    assert (done.state, done.rows_written, done.percent, done.error) == ("done", stored, 100.0, None)
    assert done.started_at == NOW
    assert NOW < (done.ended_at or NOW) < NOW + timedelta(minutes=5)
    assert done.expires_at == (done.ended_at or NOW) + timedelta(days=settings.export_days)
    assert names(settings) == [done.file_name]
    with export_store(settings).open(str(done.file_name)) as file:
        content = file.read()
    assert (len(content), content.count(b"\n")) == (done.bytes, stored + 1)
    assert left_behind(settings) == []
    body = f"Events: {stored} rows as CSV, kept until 11 Mar 2026."
    key = f"export:{export_id}"
    assert told(connection) == [
        (key, "export", "Your export is ready", body, account) for account in sorted((ann, bob))
    ]


def test_given_a_message_twice_then_the_work_is_done_once(
    connection: Connection, settings: Settings, stored: int
) -> None:
    export_id = ask(connection, account_id=an_account(connection))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(work, settings), [export_id] * 4))
    work(settings, export_id, NOW + LATER)

    done = found(connection, export_id)
    assert (done.attempts, done.state, len(names(settings)), len(told(connection))) == (1, "done", 1, 1)


@pytest.mark.parametrize("name", ["csv", "ndjson", "parquet", "pdf"])
def test_given_a_report_then_it_is_exported_as_of_its_time(
    connection: Connection, settings: Settings, stored: int, name: str
) -> None:
    export_id = ask(connection, request=ReportRequest("Per day", PER_DAY, NOW), format=name)

    work(settings, export_id, NOW + timedelta(days=3))

    done = found(connection, export_id)
    assert (done.state, done.rows_written, done.kind) == ("done", 7, "report"), done.error
    if name == "csv":
        with export_store(settings).open(str(done.file_name)) as file:
            assert b'"2026-03-03T00:00:00+00:00"' in file.read().splitlines()[-1]


def test_given_a_schedules_run_then_it_is_asked_for_once_and_its_recipients_are_told(
    connection: Connection, settings: Settings, workers_url: str
) -> None:
    ann = an_account(connection)
    with connection.transaction():
        report = create_report(connection, 1, Draft("Weekly", PER_DAY), None, NOW)
    with psycopg.connect(workers_url, autocommit=True) as own:
        first, again = (
            request_export_of(own, Wanted(report, NOW, "pdf", [ann], 7), NOW + LATER) for _ in range(2)
        )
    assert first == again

    work(settings, first, NOW + LATER)

    assert found(connection, first).asked == ReportRequest("Weekly", PER_DAY, NOW)
    ((key, kind, title, body, account_id),) = told(connection)
    assert (key, kind, title, account_id) == (f"export:{first}", "report", "Your report is ready", ann)
    assert body.startswith("Weekly: 7 rows as PDF")


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, settings: Settings, export_id: UUID) -> Iterator[threading.Event]:
    """An attempt that has written some rows and goes on when the event is set."""
    reached, go_on = threading.Event(), threading.Event()
    read = export_files.read_part

    def slowly(*arguments: Any) -> Iterator[Any]:
        for number, line in enumerate(read(*arguments)):
            if number == 10:
                reached.set()
                go_on.wait(20)
            yield line

    monkeypatch.setattr(export_files, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(export_files, "read_part", slowly)
    worker = threading.Thread(target=work, args=[settings, export_id])
    worker.start()
    try:
        assert reached.wait(20), "nothing is written"
        yield go_on
    finally:
        go_on.set()
        worker.join(20)
        monkeypatch.undo()


def test_given_an_export_that_runs_then_it_tells_how_far_it_is(
    connection: Connection, settings: Settings, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection)

    with held(monkeypatch, settings, export_id):
        wait_until(lambda: found(connection, export_id).rows_written > 0, 10)
        running = found(connection, export_id)
        assert (running.state, running.rows_expected) == ("running", stored)
        assert 0 < running.percent < 100
        assert names(settings) == []
        assert due(connection, NOW + timedelta(seconds=1)) == [], "its worker is there"


def test_given_an_export_that_is_cancelled_then_its_worker_ends_and_nothing_is_left(
    connection: Connection, settings: Settings, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection, account_id=an_account(connection))

    with held(monkeypatch, settings, export_id) as go_on:
        assert cancel_export(connection, export_id, NOW)
        go_on.set()

    assert (found(connection, export_id).state, names(settings), left_behind(settings)) == (
        "cancelled",
        [],
        [],
    )
    assert told(connection) == []
    assert not cancel_export(connection, export_id, NOW)
    work(settings, export_id, NOW + LATER)
    assert found(connection, export_id).attempts == 1


def test_given_a_statement_that_takes_long_then_cancelling_ends_it_within_seconds(
    connection: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection, request=ReportRequest("Slow", PER_DAY, NOW))
    monkeypatch.setattr(
        exports, "run_report", lambda reading, *_: reading.execute("select pg_sleep(30)").fetchone()
    )
    worker = threading.Thread(target=work, args=[settings, export_id])
    worker.start()
    wait_until(lambda: found(connection, export_id).state == "running", 10)

    cancel_export(connection, export_id, NOW)

    worker.join(10)
    assert not worker.is_alive()
    assert (found(connection, export_id).state, left_behind(settings)) == ("cancelled", [])


def test_given_an_export_that_is_forgotten_while_it_runs_then_no_file_is_left(
    connection: Connection, settings: Settings, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection)

    with held(monkeypatch, settings, export_id):
        connection.execute("delete from exports")

    assert (names(settings), left_behind(settings)) == ([], [])


def test_given_a_worker_whose_lock_is_lost_then_another_one_does_it_and_its_own_file_is_never_offered(
    connection: Connection, settings: Settings, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection)

    with held(monkeypatch, settings, export_id):
        monkeypatch.undo()
        connection.execute(END_LOCKS)
        assert due(connection, NOW + timedelta(minutes=2)) == [export_id]
        work(settings, export_id, NOW + timedelta(minutes=2))

    done = found(connection, export_id)
    assert (done.state, done.attempts, names(settings)) == ("done", 2, [done.file_name])
    assert left_behind(settings) == []


def test_given_the_file_of_a_dead_attempt_then_it_is_deleted_when_another_one_is_done(
    connection: Connection, settings: Settings, stored: int, tmp_path: Path
) -> None:
    export_id = ask(connection)
    put(settings, f"exports/{export_id}.0.csv", b"whole, but never entered")
    left = tmp_path / "exports" / f"{export_id}.0.part"
    left.parent.mkdir()
    left.write_bytes(b"half")

    work(settings, export_id)

    assert names(settings) == [found(connection, export_id).file_name]
    assert left_behind(settings) == []


def put(settings: Settings, name: str, content: bytes) -> None:
    """Put a file into the file store."""
    file = settings.data / "put"
    file.write_bytes(content)
    export_store(settings).put(file, name)


class Failing(LocalFiles):
    """A file store that takes nothing."""

    def put(self, file: Path, name: str) -> None:
        raise OSError(28, "No space left on device")


def failing(settings: Settings) -> FileStore:
    """A file store that takes nothing."""
    return Failing(settings.data / "files")


def test_given_a_file_store_that_fails_then_it_is_tried_again_later_and_at_last_told(
    connection: Connection, settings: Settings, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "export_store", failing)
    export_id, now = ask(connection, account_id=an_account(connection)), NOW

    for attempt in range(1, MOST_ATTEMPTS + 1):
        work(settings, export_id, now)
        failed = found(connection, export_id)
        assert (failed.attempts, failed.error) == (
            attempt,
            "The file store cannot take the file: No space left on device.",
        )
        if attempt < MOST_ATTEMPTS:
            assert (failed.state, due(connection, now)) == ("waiting", [])
            assert told(connection) == []
            now = failed.not_before
            assert due(connection, now) == [export_id]

    assert (found(connection, export_id).state, left_behind(settings)) == ("failed", [])
    assert [title for _, _, title, *_ in told(connection)] == ["Your export failed"]
    work(settings, export_id, now + timedelta(days=1))
    assert found(connection, export_id).attempts == MOST_ATTEMPTS


def test_given_a_bucket_that_is_gone_then_the_export_says_so(
    connection: Connection, settings: Settings, stored: int, s3: str
) -> None:
    elsewhere = Settings(database_url=settings.database_url, data=settings.data, files_url="s3://nobodys")
    export_id = ask(connection)

    work(elsewhere, export_id)

    failed = found(connection, export_id)
    assert failed.state == "waiting"
    assert str(failed.error).startswith("The file store cannot take the file: ")


def test_given_a_full_disk_then_the_export_says_so(
    connection: Connection, settings: Settings, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection)
    full = settings.data / "full"
    full.symlink_to("/dev/full")
    monkeypatch.setattr(exports.Attempt, "temporary_file", lambda _: full)

    work(settings, export_id)

    failed = found(connection, export_id)
    assert (failed.state, failed.error) == ("waiting", "The disk of the workers is full.")


def test_given_workers_that_die_at_every_attempt_then_it_fails_for_good(
    connection: Connection, settings: Settings, stored: int
) -> None:
    export_id = ask(connection)
    connection.execute(
        "update exports set state = 'running', heartbeat_at = %s, attempts = %s", [NOW, MOST_ATTEMPTS]
    )
    assert due(connection, NOW + LATER) == [export_id]

    work(settings, export_id, NOW + LATER)

    failed = found(connection, export_id)
    assert (failed.state, names(settings)) == ("failed", [])
    assert failed.error == f"Given up after {MOST_ATTEMPTS} attempts: its workers ended"


@pytest.mark.parametrize("filters", [Conditions(), Conditions(device_id="d1")])
def test_given_more_events_than_allowed_then_it_fails_at_once(
    connection: Connection, settings: Settings, stored: int, filters: Conditions
) -> None:
    few = Settings(database_url=settings.database_url, data=settings.data, max_export_events=10)
    export_id = ask(connection, request=EventsRequest(ALL.since, ALL.until, filters))

    work(few, export_id)

    failed = found(connection, export_id)
    assert (failed.state, failed.attempts) == ("failed", 1)
    assert str(failed.error).startswith("More than 10 events pass the filter")
    assert (names(settings), left_behind(settings)) == ([], [])


def test_given_an_error_of_ours_then_it_is_noted_and_raised(
    connection: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection, request=ReportRequest("Wrong", PER_DAY, NOW))
    monkeypatch.setattr(exports, "run_report", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        work(settings, export_id)

    failed = found(connection, export_id)
    assert (failed.state, failed.error) == ("waiting", "The workers met an error, which is in their log.")


def test_given_a_lost_message_then_the_export_is_sent_again(connection: Connection) -> None:
    export_id = ask(connection)

    assert [due(connection, NOW + timedelta(seconds=after)) for after in (0, 59, 60)] == [
        [export_id], [], [export_id]
    ]  # fmt: skip


def test_given_retention_while_an_export_runs_then_it_drops_at_once_and_the_export_begins_anew(
    connection: Connection, settings: Settings, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatline.analytics.event_log.FEWEST_ROWS", 20)
    export_id, between, go_on = ask(connection), threading.Event(), threading.Event()
    read = export_files.read_part

    def one_part(*arguments: Any) -> Iterator[Any]:
        yield from read(*arguments)
        between.set()
        go_on.wait(20)

    monkeypatch.setattr(export_files, "read_part", one_part)
    worker = threading.Thread(target=work, args=[settings, export_id])
    worker.start()
    try:
        assert between.wait(20)
        connection.execute("set lock_timeout = '1s'")
        connection.execute("select drop_event_partitions(%s)", [NOW - timedelta(days=100)])
        insert_rows(connection, some_rows(50, seed=5))
    finally:
        go_on.set()
        worker.join(20)

    short = found(connection, export_id)
    assert (short.state, short.error) == ("waiting", "Retention dropped events while they were read.")
    assert (names(settings), left_behind(settings)) == ([], [])
    monkeypatch.undo()
    work(settings, export_id, NOW + LATER)
    left = connection.execute("select count(*) from events where project_id = 1").fetchone()
    done = found(connection, export_id)
    assert (done.state, done.error, (done.rows_written,)) == ("done", None, left)
    assert 0 < done.rows_written < stored + 50


# Asking


def test_given_too_many_open_exports_then_more_are_refused(connection: Connection) -> None:
    ann, bob, most = an_account(connection), an_account(connection, "bob"), MostOpen(3, 2)
    new = partial(NewExport, 1, ALL, "csv")

    for account_id in (ann, ann):
        request_export(connection, new(account_id), NOW, most)
    with pytest.raises(NotPossible, match="You have 2 exports"):
        request_export(connection, new(ann), NOW, most)
    request_export(connection, new(bob), NOW, most)
    with pytest.raises(NotPossible, match="The project has 3 exports"):
        request_export(connection, new(bob), NOW, most)
    request_export(connection, new(None), NOW)
    connection.execute("update exports set state = 'cancelled'")
    request_export(connection, new(ann), NOW, most)


def test_given_a_format_that_is_none_then_it_is_refused(connection: Connection) -> None:
    with pytest.raises(NotPossible, match="Not one of csv, ndjson, parquet"):
        ask(connection, format="pdf")


# The end


def test_given_time_that_is_over_then_the_file_is_deleted_and_at_last_the_export_forgotten(
    connection: Connection, settings: Settings, stored: int
) -> None:
    export_id = ask(connection)
    work(settings, export_id)

    expire_exports(settings, NOW + timedelta(days=settings.export_days))
    assert (found(connection, export_id).state, len(names(settings))) == ("done", 1)
    expire_exports(settings, NOW + timedelta(days=settings.export_days, hours=1))
    expired = found(connection, export_id)
    assert (expired.state, expired.file_name, names(settings)) == ("expired", None, [])
    expire_exports(settings, NOW + timedelta(days=91))
    assert find_export(connection, export_id) is None


def test_given_a_file_store_that_deletes_nothing_now_then_the_file_is_deleted_later(
    connection: Connection, settings: Settings, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id, over = ask(connection), NOW + timedelta(days=30)
    work(settings, export_id)

    with monkeypatch.context() as patched:
        patched.setattr(LocalFiles, "delete", lambda *_: (_ for _ in ()).throw(OSError(5, "I/O error")))
        expire_exports(settings, over)
    assert (found(connection, export_id).state, len(names(settings))) == ("expired", 1)

    expire_exports(settings, over)
    assert (found(connection, export_id).file_name, names(settings)) == (None, [])


def test_given_files_that_no_export_has_then_they_are_deleted_but_none_that_is_just_made(
    connection: Connection, settings: Settings, stored: int
) -> None:
    done, running, gone = (ask(connection) for _ in range(3))
    work(settings, done)
    work(settings, gone)
    forget_export(connection, gone)
    connection.execute("update exports set state = 'running' where export_id = %s", [running])
    put(settings, f"exports/{running}.1.csv", b"about to be entered")
    put(settings, f"exports/{uuid4()}.1.csv", b"nobody's")
    put(settings, "archive/2026-03-04.parquet", b"of somebody else")

    expire_exports(settings, NOW)

    assert names(settings) == sorted(
        ["archive/2026-03-04.parquet", f"exports/{done}.1.csv", f"exports/{running}.1.csv"]
    )
