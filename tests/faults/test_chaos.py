"""Chaos: a short plan loses nothing, the audit would notice it, and the network fails as it is told to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from psycopg import Connection

from tests.faults.chaos.faults import FAULTS
from tests.faults.chaos.memory import MIB, beyond, limits
from tests.faults.chaos.proxy import Proxy, proxy
from tests.faults.chaos.run import audit_events, make_plan, run
from tests.fixtures.rows import event, insert_events
from tests.fixtures.storage import NOON
from tests.providers.https import HttpServer, running

SEED = 7
PROMISED = ("events acknowledged", "rows of imports", "notifications queued")


def test_given_a_short_plan_then_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    outcome = run(tmp_path, SEED, quick=True, say=print)

    assert outcome.losses == []
    assert all(outcome.counts[what] for what in PROMISED), outcome.counts
    assert {step.name for step in make_plan(SEED, quick=True)} >= {each.step.name for each in outcome.played}
    assert outcome.memory.keys() == {"postgres", "valkey", "collector", "workers"}


def test_a_plan_follows_from_its_seed_and_has_every_fault_twice() -> None:
    plan = make_plan(SEED, quick=False)
    assert plan == make_plan(SEED, quick=False)
    assert plan != make_plan(SEED + 1, quick=False)
    assert Counter(step.fault for step in plan) == dict.fromkeys(FAULTS, 2)


def test_given_events_that_are_lost_doubled_and_not_counted_then_the_audit_says_so(
    connection: Connection,
) -> None:
    assert audit_events(connection, set()) == []
    insert_events(connection, [event(NOON), event(NOON)])
    connection.execute("""update events set properties = '{"key": "stored"}'""")
    connection.execute("delete from events_by_minute")

    lost, doubled, counts = audit_events(connection, {"stored", "acknowledged"})

    assert lost == "1 acknowledged events are not stored, such as acknowledged"
    assert doubled == "1 events are stored more than once, such as stored"
    assert counts.startswith("counts are not those of the stored events: ")


def test_given_more_memory_than_a_service_has_then_it_is_named() -> None:
    most = limits()
    assert beyond(most) == []
    most["workers"] += MIB
    assert beyond(most) == [
        f"workers had {most['workers'] // MIB} MiB of memory, and may have {limits()['workers'] // MIB}"
    ]


@pytest.fixture
def way() -> Iterator[Proxy]:
    """A proxy before a server of HTTP."""
    with running(HttpServer()) as server, proxy(server.server_port) as way:
        yield way


@contextmanager
def client_of(way: Proxy) -> Iterator[Callable[[], int | None]]:
    """Asks on one connection: the status of the answer, None when the connection breaks."""
    connection = HTTPConnection("127.0.0.1", way.port, timeout=10)
    connection.auto_open = 0
    connection.connect()

    def ask() -> int | None:
        try:
            connection.request("POST", "/")
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, HTTPException):
            return None

    yield ask
    connection.close()


def test_a_proxy_passes_on_what_comes(way: Proxy) -> None:
    with client_of(way) as ask:
        assert [ask(), ask()] == [204, 204]


def test_given_a_cut_then_connections_break_and_new_ones_too_until_it_is_mended(way: Proxy) -> None:
    with client_of(way) as ask:
        assert ask() == 204
        way.cut()
        assert ask() is None
    with client_of(way) as ask:
        assert ask() is None
    way.mend()
    with client_of(way) as ask:
        assert ask() == 204


def test_given_a_delay_then_an_answer_takes_it_twice(way: Proxy) -> None:
    way.delay = 0.1
    with client_of(way) as ask:
        began = time.monotonic()
        assert ask() == 204
        assert time.monotonic() - began >= 2 * way.delay
