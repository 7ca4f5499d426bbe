"""PostgreSQL is killed under load, at random moments of a seeded plan."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress

import pytest

from tests.faults.evidence import assert_stored_exactly_once
from tests.faults.load import Load, loading
from tests.faults.stack import Stack
from tests.fixtures.storage import wait_until

VICTIMS = ["writer"] * 10 + ["postmaster"] * 6 + ["postmaster and children"] * 6


def strike(stack: Stack, victim: str, chance: random.Random) -> None:
    """Kill a backend of a writer, after which PostgreSQL starts itself again, or PostgreSQL as a whole."""
    if victim == "writer":
        with suppress(ProcessLookupError):
            os.kill(chance.choice(stack.writers()), signal.SIGKILL)
    else:
        stack.kill_postgres(with_children=victim != "postmaster")
        stack.start_postgres()


def wait_for_acknowledgements(load: Load, more: int) -> None:
    """Wait until so many more events are acknowledged."""
    enough = load.acknowledgements() + more
    wait_until(lambda: load.acknowledgements() >= enough)


@pytest.mark.parametrize("seed", [1])
def test_events_are_stored_once_when_postgres_is_killed_again_and_again(stack: Stack, seed: int) -> None:
    chance = random.Random(seed)
    victims = chance.sample(VICTIMS, len(VICTIMS))
    with loading(stack.collector_url, "postgres", seed) as load:
        for victim in victims:
            wait_until(lambda: stack.writers() != [])
            wait_for_acknowledgements(load, chance.randint(1, 100))
            strike(stack, victim, chance)
        wait_until(lambda: stack.writers() != [])
        wait_for_acknowledgements(load, 100)

    assert_stored_exactly_once(stack, load)
