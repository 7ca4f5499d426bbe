"""Rejected events: shown, dismissed, and replayed once the catalogue is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import dict_row

from beatline.catalogue import Catalogue, errors_of, flag
from beatline.events import Event
from beatline.storage.queries import query, read_count

REPLAYED_AT_ONCE = 10_000  # most events of one replay
CHUNK = 100  # events of a replay in memory, each of up to a megabyte
RAW_SHOWN = 1_000  # characters of each event of a page

Errors = dict[str, list[str]]
Store = Callable[[list[Event]], list[tuple[Event, Errors]]]

decode_event = msgspec.json.Decoder(Event).decode
decode_properties = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True)
class Choice:
    """Which rejected events of a project; None: any. A replay also knows ids, begins behind `after` and comes
    to at most `limit`."""

    project_id: int
    reason: str | None = None
    source: str | None = None
    event_type: str | None = None
    since: datetime | None = None
    ids: list[int] | None = None
    after: int = 0
    limit: int = REPLAYED_AT_ONCE


@dataclass
class Replay:
    """What came of a replay. remaining: how many of the chosen events it has not come to; next: to go on
    with, as `after`, None when there are none."""

    replayed: int = 0
    still_refused: list[dict[str, Any]] = field(default_factory=list)
    not_replayable: list[int] = field(default_factory=list)
    remaining: int = 0
    next: int | None = None


def read_page(connection: Connection, choice: Choice, cursor: int | None, limit: int) -> list[dict[str, Any]]:
    """Rejected events, the newest first, below a cursor."""
    parameters = vars(choice) | {"cursor": cursor, "limit": limit, "shown": RAW_SHOWN}
    with connection.cursor(row_factory=dict_row) as rows:
        return rows.execute(query("rejected_event_page"), parameters).fetchall()


def count_reasons(connection: Connection, choice: Choice) -> dict[str, int]:
    """How many there are for each reason, whatever reason is chosen."""
    return dict(connection.execute(query("rejected_event_counts"), vars(choice)).fetchall())


def find_rejected(connection: Connection, project_id: int, rejected_id: int) -> dict[str, Any] | None:
    """A rejected event with all that is kept of it."""
    parameters = {"project_id": project_id, "rejected_id": rejected_id}
    with connection.cursor(row_factory=dict_row) as rows:
        return rows.execute(query("rejected_event"), parameters).fetchone()


def dismiss(connection: Connection, project_id: int, rejected_id: int) -> bool:
    """Delete a rejected event; false when there is none."""
    parameters = {"project_id": project_id, "rejected_id": rejected_id}
    return connection.execute(query("rejected_event_delete"), parameters).rowcount > 0


def replay(
    connection: Connection, choice: Choice, catalogue: Catalogue | None, store: Store, now: datetime
) -> Replay:
    """Store those of the chosen events that fit the catalogue now, as they would have been stored, and once:
    their ids count as the client's own, so the ledger knows those that are replayed twice.

    store takes events, returns those that the database refuses for good and why, and raises StorageError
    unless the others are safe.
    """
    result = Replay()
    come_to: set[int] = set()
    for rows in chunks(connection, choice):
        come_to.update(rejected_id for rejected_id, _ in rows)
        stored = replay_chunk(rows, catalogue, store, result)
        marked = {"project_id": choice.project_id, "ids": stored, "now": now}
        result.replayed += read_count(connection, "rejected_events_replayed", marked)
    last = max(come_to, default=choice.after)
    result.remaining = read_count(connection, "rejected_events_left", vars(choice) | {"after": last})
    result.next = last if result.remaining else None
    result.not_replayable += sorted(set(choice.ids or ()) - come_to)
    return result


def chunks(connection: Connection, choice: Choice) -> Iterator[list[tuple[int, str]]]:
    """The chosen events that can be replayed, as (id, JSON text), as many as one replay takes."""
    after = choice.after
    for come_to in range(0, choice.limit, CHUNK):
        parameters = vars(choice) | {"after": after, "limit": min(CHUNK, choice.limit - come_to)}
        rows = connection.execute(query("rejected_events_to_replay"), parameters).fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def replay_chunk(
    rows: list[tuple[int, str]], catalogue: Catalogue | None, store: Store, result: Replay
) -> list[int]:
    """Store the events of a chunk that fit; returns their ids and notes the others."""
    fitting: dict[int, Event] = {}
    for rejected_id, text in rows:
        try:
            event, errors = revalidate(text, catalogue)
        except msgspec.MsgspecError:
            result.not_replayable.append(rejected_id)
            continue
        if errors:
            result.still_refused.append({"id": rejected_id, "errors": errors})
        else:
            fitting[rejected_id] = event
    refused = {event.event_id: errors for event, errors in store(list(fitting.values()))}
    result.still_refused += [
        {"id": rejected_id, "errors": refused[event.event_id]}
        for rejected_id, event in fitting.items()
        if event.event_id in refused
    ]
    return [rejected_id for rejected_id, event in fitting.items() if event.event_id not in refused]


def revalidate(text: str, catalogue: Catalogue | None) -> tuple[Event, Errors]:
    """An event as it was kept, ready to be stored, and what the catalogue refuses it for now. Raises
    msgspec.MsgspecError for what is no event of today."""
    event = decode_event(text)
    event.client_id = True
    properties = decode_properties(event.properties)
    errors = errors_of(catalogue, event, properties) if catalogue else {}
    if errors and catalogue and not catalogue.enforce:
        flag(event, properties, errors)
        errors = {}
    return event, errors
