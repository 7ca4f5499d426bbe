"""PostgreSQL is killed under load, at random moments of a seeded plan."""

from __future__ import annotations

import random

from tests.faults.evidence import assert_stored_exactly_once
from tests.faults.load import loading
from tests.faults.stack import Stack
from tests.fixtures.storage import wait_until

SEED = 1
VICTIMS = ["writer"] * 10 + ["postmaster"] * 6 + ["postmaster and children"] * 6


def test_events_are_stored_once_when_postgres_is_killed_again_and_again(stack: Stack) -> None:
    chance = random.Random(SEED)
    with loading(stack.collector_url, "postgres", SEED) as load:
        for victim in chance.sample(VICTIMS, len(VICTIMS)):
            wait_until(lambda: stack.writers() != [])
            load.wait_for(chance.randint(1, 100))
            kill(stack, victim, chance)
        wait_until(lambda: stack.writers() != [])
        load.wait_for(100)

    assert_stored_exactly_once(stack, load)


def kill(stack: Stack, victim: str, chance: random.Random) -> None:
    """Kill a backend of a writer, after which PostgreSQL starts itself again, or PostgreSQL as a whole."""
    if victim == "writer":
        stack.kill_backend(chance.choice(stack.writers()))
    else:
        stack.kill_postgres(with_children=victim != "postmaster")
        stack.start_postgres()
