"""Valkey is killed while it is all there is: what it acknowledged for the database survives."""

from __future__ import annotations

from tests.faults.evidence import assert_stored_exactly_once
from tests.faults.load import loading
from tests.faults.stack import Stack
from tests.fixtures.storage import wait_until


def test_what_was_spilled_survives_while_valkey_is_killed_and_the_database_is_away(stack: Stack) -> None:
    with loading(stack.collector_url, "valkey", 2) as load:
        load.wait_for(100)
        stack.kill_postgres(with_children=True)
        for _ in range(4):
            load.wait_for(200)
            stack.kill_valkey()
            refusals = load.refusals()
            wait_until(lambda refusals=refusals: load.refusals() >= refusals + 10)
            stack.start_valkey()
        load.wait_for(200)
        assert stack.backlog() > 0
        stack.start_postgres()
        load.wait_for(200)

    assert_stored_exactly_once(stack, load)


def test_nothing_is_refused_while_only_valkey_is_away(stack: Stack) -> None:
    with loading(stack.collector_url, "only valkey", 3) as load:
        load.wait_for(50)
        stack.kill_valkey()
        load.wait_for(200)
        assert load.refusals() == 0
        stack.start_valkey()

    assert_stored_exactly_once(stack, load)
