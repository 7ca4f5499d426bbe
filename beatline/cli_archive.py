"""`beatline archive`: days in the archive. Connects as the database's owner, if there is one of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
from psycopg import Connection

from beatline.embedded import postgres
from beatline.errors import NotPossible, StartError
from beatline.events import utc_now
from beatline.project_admin import find_project
from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.store import connected

if TYPE_CHECKING:
    from beatline.archive.archiving import Archive
    from beatline.archive.days import ArchivedDay
    from beatline.archive.manifest import Day

# Arrow takes as long to import as everything else, and only these commands need it.
DAY = click.DateTime(["%Y-%m-%d"])
day_option = click.option(
    "--day", "chosen", type=DAY, required=True, multiple=True, help="YYYY-MM-DD, in UTC."
)
project_option = click.option("--project", help="Name or number; without it, all projects.")


@click.group()
def archive() -> None:
    """Days of raw events in Parquet files (docs/archive.md)."""


@archive.command("list")
@project_option
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True, help="Days to show.")
def list_all(project: str | None, limit: int) -> None:
    """Show the days that the database knows of, the youngest first."""
    from beatline.archive.days import list_days  # noqa: PLC0415

    with owners_database() as (_, connection):
        project_id = find_project(connection, project).project_id if project else None
        for day in list_days(connection, project_id, None, None, limit):
            click.echo("\t".join([str(day.day), f"project {day.project_id}", *words_of(day)]))


def words_of(day: ArchivedDay) -> Iterator[str]:
    """What the list says of a day."""
    yield day.state
    yield f"{day.events} events in {day.bytes} bytes"
    if day.dropped_at:
        yield f"dropped {day.dropped_at:%Y-%m-%d}"
    if day.held_until:
        yield f"held until {day.held_until:%Y-%m-%d %H:%M}"
    if day.error:
        yield day.error


@archive.command()
@day_option
@project_option
def verify(chosen: tuple[datetime, ...], project: str | None) -> None:
    """Read days back from the archive; exit code 1 when one is damaged."""
    with opened() as (archive, connection):
        results = [
            verify_day(archive, connection, day) for day in wanted(archive, connection, chosen, project)
        ]
    sys.exit(0 if all(results) else 1)


@archive.command()
@day_option
@project_option
@click.option(
    "--hold-days", type=click.IntRange(1, 3_650), default=7, show_default=True,
    help="For so long retention does not drop them again.",
)  # fmt: skip
def restore(chosen: tuple[datetime, ...], project: str | None, hold_days: int) -> None:
    """Put days back into the database; events that are there are left as they are."""
    from beatline.archive.restoring import restore_day  # noqa: PLC0415

    with opened() as (archive, connection):
        for day in wanted(archive, connection, chosen, project):
            lock(connection, day)
            done = restore_day(archive, connection, day, timedelta(days=hold_days), utc_now())
            click.echo(
                f"{day.day}, project {day.project_id}: {done.restored} of {done.archived} events put back."
            )


def verify_day(archive: Archive, connection: Connection, day: Day) -> bool:
    """Read a day back, note and say how it is."""
    from beatline.archive.checking import check_day  # noqa: PLC0415

    error = check_day(archive, connection, day, utc_now())
    click.echo(f"{day.day}, project {day.project_id}: {error or 'intact'}")
    return error is None


def wanted(
    archive: Archive, connection: Connection, chosen: tuple[datetime, ...], project: str | None
) -> list[Day]:
    """The days that are meant. Raises NotPossible when none of a date is archived."""
    from beatline.archive.manifest import Day, archived_projects  # noqa: PLC0415

    found: list[Day] = []
    for each in [moment.date() for moment in chosen]:
        if project:
            projects = {project_number(connection, project)}
        else:
            projects = known_projects(connection, each) | set(archived_projects(archive.store, each))
        if not projects:
            raise NotPossible(f"Nothing of {each} is in the archive.")
        found += [Day(project_id, each) for project_id in sorted(projects)]
    return found


def project_number(connection: Connection, project: str) -> int:
    """A project's number; of one that this database does not know, as given."""
    return int(project) if project.isdecimal() else find_project(connection, project).project_id


def known_projects(connection: Connection, day: date) -> set[int]:
    """The projects of which this database archived a day."""
    rows = connection.execute(query("archive_projects"), {"day": day}).fetchall()
    return {project_id for (project_id,) in rows}


def lock(connection: Connection, day: Day) -> None:
    """Take a day's lock, which ends with the connection. Raises NotPossible when the workers have it."""
    if connection.execute(query("try_lock"), {"name": day.lock}).fetchone() != (True,):
        raise NotPossible(f"{day.day} of project {day.project_id} is being archived; try again later.")


@contextmanager
def opened() -> Iterator[tuple[Archive, Connection]]:
    """The archive, with a folder to work in, and the database."""
    from beatline.archive.archiving import open_archive  # noqa: PLC0415 - as above

    with (
        TemporaryDirectory(prefix="beatline-archive-") as folder,
        owners_database() as (settings, connection),
    ):
        connection.execute("set statement_timeout = '30min'")
        yield open_archive(settings, Path(folder) / "parts"), connection


@contextmanager
def owners_database() -> Iterator[tuple[Settings, Connection]]:
    """The settings, and a connection as the owner where one is set. Raises StartError without a database."""
    settings = Settings.from_env()
    url = settings.owner_database_url or settings.database_url or postgres.running_url(settings.data)
    if url is None:
        raise StartError(
            "no database: set BEATLINE_DATABASE_URL, or start the embedded one with `beatline up`"
        )
    with connected(url) as connection:
        yield settings, connection
