"""The collector is killed: what it acknowledged is stored, and it serves again."""

from __future__ import annotations

import random
from contextlib import suppress

import psutil

from tests.faults.evidence import assert_stored_exactly_once
from tests.faults.load import loading
from tests.faults.stack import Stack
from tests.fixtures.storage import wait_until


def test_events_are_stored_once_when_the_collector_is_killed(stack: Stack) -> None:
    chance = random.Random(4)
    with loading(stack.collector_url, "collector", 4) as load:
        for _ in range(3):
            load.wait_for(chance.randint(50, 300))
            stack.kill_collector()
            stack.start_collector()
        load.wait_for(100)

    assert_stored_exactly_once(stack, load)


def test_a_killed_process_of_the_collector_is_replaced(stack: Stack) -> None:
    with loading(stack.collector_url, "process", 5) as load:
        load.wait_for(100)
        before = processes(stack)
        next(iter(before)).kill()
        wait_until(lambda: len(processes(stack) - before) == 1)
        load.wait_for(100)

    assert_stored_exactly_once(stack, load)


def processes(stack: Stack) -> set[psutil.Process]:
    """The processes of the collector that answer requests."""
    assert stack.collector
    found = set()
    for child in psutil.Process(stack.collector.pid).children():
        with suppress(psutil.NoSuchProcess):
            if "resource_tracker" not in " ".join(child.cmdline()):
                found.add(child)
    return found
