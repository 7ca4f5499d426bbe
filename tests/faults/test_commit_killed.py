"""The connection is lost in the middle of a transaction: before its commit, or between commit and answer."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from uuid import uuid4

import httpx
import pytest

from beatline.storage.spill import Spill
from tests.faults.evidence import assert_nothing_lost_or_doubled, stored_keys
from tests.faults.stack import Stack
from tests.fixtures.storage import locked, wait_until


def kill_everything(stack: Stack, backend: int) -> None:
    """SIGKILL all of PostgreSQL at once."""
    stack.kill_postgres(with_children=True)


def kill_backend(stack: Stack, backend: int) -> None:
    """SIGKILL one backend; PostgreSQL ends all others and starts itself again."""
    stack.kill_backend(backend)


def terminate_backend(stack: Stack, backend: int) -> None:
    """End one backend in order, as an administrator or a failing network does."""
    with stack.connect() as connection:
        connection.execute("select pg_terminate_backend(%s)", [backend])


FAULTS = pytest.mark.parametrize("fault", [kill_everything, kill_backend, terminate_backend])
Fault = Callable[[Stack, int], None]


@pytest.fixture
def post(stack: Stack) -> Iterator[Callable[[str], Future[int]]]:
    """Send one event in a thread; gives the status of its answer."""

    def track(key: str) -> int:
        event = {"event_type": "view", "user_id": "u", "properties": {"key": key}}
        return httpx.post(f"{stack.collector_url}/track", json=event, timeout=30).status_code

    with ThreadPoolExecutor() as pool:
        yield lambda key: pool.submit(track, key)


@contextmanager
def commits_held(stack: Stack) -> Iterator[None]:
    """Make every commit wait, after it has been written to disk, for a standby that does not exist."""
    configuration = stack.folder / "postgres" / "postgresql.auto.conf"
    original = configuration.read_text()
    configuration.write_text(original + "synchronous_standby_names = 'nobody'\n")
    os.kill(stack.postgres.pid, signal.SIGHUP)
    yield
    configuration.write_text(original)


def hold_a_commit(
    stack: Stack, post: Callable[[str], Future[int]], name: str
) -> tuple[str, Future[int], int]:
    """The key, the answer to come and the backend of an event whose commit waits; those sent before the
    setting came into force are answered."""
    for number in range(1_000):
        key = f"{name} {number}"
        answer = post(key)
        wait_until(lambda answer=answer: answer.done() or stack.writers("SyncRep") != [])
        if not answer.done():
            return key, answer, stack.writers("SyncRep")[0]
        assert answer.result() == 202
    raise AssertionError("no commit was held")


def bring_back(stack: Stack) -> None:
    """Start PostgreSQL if it was killed, or wait until it has started itself; settings are read again."""
    if stack.postgres.process.poll() is not None:
        stack.start_postgres()
    os.kill(stack.postgres.pid, signal.SIGHUP)
    wait_until(stack.answers)


def connect_writers(stack: Stack, post: Callable[[str], Future[int]]) -> None:
    """Send events until both processes of the collector have a connection to the database."""
    for number in range(1_000):
        if len(stack.writers()) >= 2:
            return
        assert post(f"before {number} {uuid4()}").result() == 202
    raise AssertionError("the writers do not connect")


def keys_in_database(stack: Stack) -> Counter[str]:
    """How often each key is stored."""
    with stack.connect() as connection:
        return stored_keys(connection)


def keys_in_spill(stack: Stack) -> Counter[str]:
    """How often each key waits."""
    with closing(Spill(stack.valkey.url, 1)) as spill:
        batches = [batch for _, batch in spill.oldest(1_000)]
    return Counter(json.loads(bytes(event.properties))["key"] for batch in batches for event in batch.events)


@FAULTS
def test_an_event_whose_commit_is_not_answered_is_stored_once(
    stack: Stack, post: Callable[[str], Future[int]], fault: Fault
) -> None:
    with stack.workers_paused():
        connect_writers(stack, post)
        with commits_held(stack):
            key, answer, backend = hold_a_commit(stack, post, f"committed, {fault.__name__}")
            assert not answer.done()
            fault(stack, backend)
        assert answer.result(20) == 202
        bring_back(stack)
        assert (keys_in_database(stack)[key], keys_in_spill(stack)[key]) == (1, 1)

    assert_nothing_lost_or_doubled(stack, {key})


@FAULTS
def test_an_event_whose_transaction_never_commits_is_stored_once(
    stack: Stack, post: Callable[[str], Future[int]], fault: Fault
) -> None:
    key = f"not committed, {fault.__name__}"
    with stack.workers_paused():
        connect_writers(stack, post)
        with locked(stack.postgres.url, "events_by_minute"):
            answer = post(key)
            wait_until(lambda: stack.writers("Lock") != [])
            [backend] = stack.writers("Lock")
            fault(stack, backend)
            assert answer.result(20) == 202
        bring_back(stack)
        assert (keys_in_database(stack)[key], keys_in_spill(stack)[key]) == (0, 1)

    assert_nothing_lost_or_doubled(stack, {key})
