"""The workers, and what they talk to, are killed in the middle of draining the spill."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.evidence import assert_stored_exactly_once
from tests.faults.load import loading
from tests.faults.stack import Stack
from tests.fixtures.storage import wait_until

BACKLOG = 40  # batches that wait when the drain starts
SIZES = (100,)  # each of some hundred events, so that the drain takes its time


def workers(stack: Stack) -> None:
    """SIGKILL the workers."""
    stack.kill_workers()
    stack.start_workers()


def valkey(stack: Stack) -> None:
    """SIGKILL Valkey; the workers have to find it again."""
    stack.kill_valkey()
    stack.start_valkey()


def postgres(stack: Stack) -> None:
    """SIGKILL PostgreSQL; the workers have to find it again."""
    stack.kill_postgres(with_children=True)
    stack.start_postgres()


@pytest.mark.parametrize("kill", [workers, valkey, postgres])
def test_events_are_stored_once_when_the_drain_is_killed_in_the_middle(
    stack: Stack, kill: Callable[[Stack], None]
) -> None:
    with loading(stack.collector_url, f"drain, {kill.__name__}", 6, SIZES) as load:
        stack.kill_postgres(with_children=True)
        wait_until(lambda: stack.backlog() >= BACKLOG)
    stack.start_postgres()
    for part in (0.9, 0.5):
        wait_until(lambda part=part: stack.backlog() <= part * BACKLOG)
        assert stack.backlog() > 0, "drained too fast to be killed in the middle"
        kill(stack)

    assert_stored_exactly_once(stack, load)
