"""Seeded databases: one of each engine, read as Grafana's role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beatline.embedded.postgres import EmbeddedPostgres
from beatline.events import Event
from beatline.storage.engine import POSTGRES, TIMESCALEDB
from tests.fixtures.databases import TEMPLATE, a_database
from tests.fixtures.timescale import TimescaleServer, WasmServer
from tests.grafana.reader import Reader, reading
from tests.grafana.seed import events, seed

SEEDED = "seeded for Grafana"
SAVED_IN: set[int] = set()  # processes of servers that have it


@pytest.fixture(scope="session")
def seeded_postgres(template_database: EmbeddedPostgres) -> Iterator[tuple[str, list[Event]]]:
    """The URL of a seeded database of the postgres engine, and its events. Tests only read it."""
    for url in a_database(template_database.url, TEMPLATE):
        yield url, seed(url)


@pytest.fixture(scope="module")
def seeded_timescale(timescale_server: TimescaleServer) -> Iterator[tuple[str, list[Event]]]:
    """The same of the timescaledb engine: the only one there is, so this module has it for itself."""
    if isinstance(timescale_server, WasmServer):
        yield timescale_server.url, restore_seeded(timescale_server)
        return
    for url in timescale_server.migrated():
        yield url, seed(url)


def restore_seeded(server: WasmServer) -> list[Event]:
    """Put the server into the seeded state, which is made once."""
    if server.process.pid in SAVED_IN:
        server.command(restore=SEEDED)
        return list(events())
    for url in server.migrated():
        seeded = seed(url)
        server.command(save=SEEDED)
        SAVED_IN.add(server.process.pid)
    return seeded


@pytest.fixture(scope="module", params=[POSTGRES, TIMESCALEDB])
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    """Grafana's role in a seeded database of each engine."""
    engine = str(request.param)
    url, seeded = request.getfixturevalue(f"seeded_{'postgres' if engine == POSTGRES else 'timescale'}")
    with reading(engine, url, seeded) as reader:
        yield reader
