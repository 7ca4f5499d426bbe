"""Indexes on properties that somebody asked for: built and dropped while events are written.

The index begins on the table of events alone, so that new partitions and chunks get theirs by themselves;
those that exist are indexed concurrently, one after the other, the newest first. Whatever cuts that off, the
next turn goes on.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from psycopg import Connection, errors, sql
from psycopg.rows import class_row

from beatline.property_indexes import PropertyIndex
from beatline.settings import Settings
from beatline.storage.engine import POSTGRES, read_engine
from beatline.storage.queries import query
from beatline.storage.store import connected
from workers.maintenance import try_lock

log = structlog.get_logger()

MOST_ATTEMPTS = 3
COME_AGAIN = (
    errors.LockNotAvailable,
    errors.UndefinedTable,
)  # busy, or retention dropped a partition meanwhile


def work_on_property_indexes(settings: Settings, now: datetime) -> None:
    """Build and drop what was asked for, as the owner of events. One at a time: others return at once."""
    with connected(settings.database_url) as connection:
        if not anything_open(connection):
            return
    with connected(settings.owner_database_url or settings.database_url) as connection:
        if try_lock(connection, "beatline property indexes"):
            connection.execute("set statement_timeout = 0")
            for index in open_indexes(connection):
                work_on(connection, index, now)


def anything_open(connection: Connection) -> bool:
    """Whether there is something to do."""
    return connection.execute(query("property_indexes_open")).fetchone() is not None


def open_indexes(connection: Connection) -> list[PropertyIndex]:
    """What is to be built or dropped."""
    with connection.cursor(row_factory=class_row(PropertyIndex)) as rows:
        return rows.execute(query("property_indexes_open")).fetchall()


def work_on(connection: Connection, index: PropertyIndex, now: datetime) -> None:
    """Build or drop one index; what fails for another reason than a lock is noted, and given up in the
    end."""
    try:
        if index.state == "dropping":
            drop(connection, index)
            connection.execute(query("property_index_gone"), {"index_id": index.index_id})
        else:
            build(connection, index)
            connection.execute(query("property_index_ready"), {"index_id": index.index_id, "now": now})
        log.info("property index", index_id=index.index_id, path=index.path, was=index.state)
    except COME_AGAIN as error:
        log.info("property index waits", index_id=index.index_id, error=str(error).strip())
    except errors.Error as error:
        note_failure(connection, index, str(error).strip())


def note_failure(connection: Connection, index: PropertyIndex, error: str) -> None:
    """Note what went wrong, unless the connection itself did."""
    log.warning("property index failed", index_id=index.index_id, error=error)
    if not connection.broken:
        parameters = {"index_id": index.index_id, "error": error, "most": MOST_ATTEMPTS}
        connection.execute(query("property_index_attempt"), parameters)


def build(connection: Connection, index: PropertyIndex) -> None:
    """Build an index, or go on with it: that of the table first, then of one partition or chunk after the
    other."""
    suffix, values = suffix_of(index), values_of(index)
    if not exists(connection, index.name):
        briefly_locking(connection, "property_index_on_events", name=sql.Identifier(index.name), **values)
    attaching = read_engine(connection) == POSTGRES
    parameters = {"name": index.name, "suffix": suffix}
    missing = connection.execute(query("property_index_partitions"), parameters).fetchall()
    for schema, partition, part_is_valid in missing:
        part = sql.Identifier(schema, partition + suffix)
        if part_is_valid is False:
            run(connection, "property_index_drop_part", name=part)
        if not part_is_valid:
            names = {
                "name": sql.Identifier(partition + suffix),
                "partition": sql.Identifier(schema, partition),
            }
            run(connection, "property_index_on_partition", **names, **values)
        if attaching:
            briefly_locking(connection, "property_index_attach", name=sql.Identifier(index.name), part=part)


def drop(connection: Connection, index: PropertyIndex) -> None:
    """Drop an index, and its parts that belong to no whole: TimescaleDB's, and those of an interrupted
    building."""
    briefly_locking(connection, "property_index_drop", name=sql.Identifier(index.name))
    leftovers = connection.execute(query("property_index_leftovers"), {"suffix": suffix_of(index)}).fetchall()
    for schema, part in leftovers:
        run(connection, "property_index_drop_part", name=sql.Identifier(schema, part))


def suffix_of(index: PropertyIndex) -> str:
    """What the name of a part has behind that of its partition or chunk. TimescaleDB itself gives new ones
    that of the whole, which ends so too."""
    return f"_property_{index.index_id}"


def exists(connection: Connection, name: str) -> bool:
    """Whether there is an index of this name."""
    return connection.execute(query("property_index_exists"), {"name": name}).fetchone() is not None


def values_of(index: PropertyIndex) -> dict[str, sql.Composable]:
    """What of an index its statements name as values."""
    return {"path": sql.Literal(index.path), "project_id": sql.Literal(index.project_id)}


def briefly_locking(connection: Connection, statement: str, /, **parts: sql.Composable) -> None:
    """Run a statement that locks events for a moment. Gives up after two seconds behind a long read, rather
    than keep all writers waiting; the schedule tries again."""
    connection.execute("set lock_timeout = '2s'")
    try:
        run(connection, statement, **parts)
    finally:
        if not connection.broken:
            connection.execute("set lock_timeout = 0")


def run(connection: Connection, statement: str, /, **parts: sql.Composable) -> None:
    """Run a statement of sql/queries on the definition of an index, which takes no parameters: names and
    values are put into it as identifiers and literals."""
    connection.execute(sql.SQL(query(statement)).format(**parts))
