"""What every fault has to leave behind: each acknowledged event stored, none twice, every count exact."""

from __future__ import annotations

from collections import Counter

import psycopg

from tests.faults.load import Load
from tests.faults.stack import Stack
from tests.fixtures.storage import assert_counts_agree


def stored_keys(connection: psycopg.Connection) -> Counter[str]:
    """How often each key is stored."""
    statement = "select properties ->> 'key', count(*) from events group by 1"
    return Counter(dict(connection.execute(statement).fetchall()))


def assert_stored_exactly_once(stack: Stack, load: Load) -> None:
    """What a load was told is true, and it was told nothing but yes and try again."""
    assert load.unexpected() == []
    assert_nothing_lost_or_doubled(stack, load.acknowledged())


def assert_nothing_lost_or_doubled(stack: Stack, acknowledged: set[str]) -> None:
    """Once the spill is empty: what was acknowledged is there, nothing is there twice, the counts agree."""
    stack.settle()
    with stack.connect() as connection:
        stored = stored_keys(connection)
        assert acknowledged - stored.keys() == set()
        assert {key: times for key, times in stored.items() if times > 1} == {}
        assert_counts_agree(connection)
        assert connection.execute("select errors from rejected_events").fetchall() == []
