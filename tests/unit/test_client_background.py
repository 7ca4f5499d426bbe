"""The Python client's queue and thread: nothing is lost silently, nothing leaks, nobody waits for ever."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beatline_client import (
    Attempt,
    BeatlineClientError,
    Client,
    ClosedError,
    DeliveryError,
    InvalidEventError,
    QueueFullError,
    RejectedError,
    background,
)

from tests.fixtures.scripted import (
    HANG_UP,
    Received,
    Reply,
    Scripted,
    accept,
    nobody_listening,
    reply,
    scripted_server,
)
from tests.fixtures.storage import wait_until

Lost = list[tuple[BeatlineClientError, list[dict[str, Any]]]]


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted_server() as scripted:
        yield scripted


@pytest.fixture
def lost() -> Lost:
    """What on_error was called with."""
    return []


@pytest.fixture
def connect(lost: Lost) -> Iterator[Callable[..., Client]]:
    """Makes clients that keep what they lost, retry quickly, and are closed at the end."""
    clients = []

    def make(url: str, **settings: Any) -> Client:
        defaults: dict[str, Any] = {"flush_interval": 0.01, "backoff": 0.01, "max_backoff": 0.02}
        on_error = settings.pop("on_error", lambda error, events: lost.append((error, events)))
        clients.append(Client(url, **defaults | settings, on_error=on_error))
        return clients[-1]

    yield make
    for client in clients:
        client.close(0)


Connect = Callable[..., Client]


def hold(server: Scripted, answer: Reply | None = None) -> Callable[[Received], Reply]:
    """A reply that comes only after server.closing is set; it accepts unless an answer is given."""

    def held(request: Received) -> Reply:
        server.closing.wait(10)
        return answer or accept(request)

    return held


def test_given_events_then_they_arrive_in_order_in_batches_without_a_flush(
    server: Scripted, connect: Connect
) -> None:
    client = connect(server.url, flush_size=4)
    ids = [client.track("u", "tick", {"n": n}) for n in range(10)]
    wait_until(lambda: len(server.events()) == 10)
    assert [event["event_id"] for event in server.events()] == ids
    assert [event["properties"]["n"] for event in server.events()] == list(range(10))
    assert max(map(len, server.batches())) <= 4


def test_given_a_long_interval_then_a_full_batch_goes_at_once_and_a_flush_takes_the_rest(
    server: Scripted, connect: Connect
) -> None:
    client = connect(server.url, flush_interval=60, flush_size=3)
    for n in range(4):
        client.track("u", "tick", {"n": n})
    wait_until(lambda: len(server.events()) == 3)
    assert client.flush()
    assert [len(batch) for batch in server.batches()] == [3, 1]


def test_given_nothing_to_send_then_flush_and_close_are_done_at_once(connect: Connect) -> None:
    client = connect(nobody_listening())
    assert client.flush(0)
    assert client.close(0)
    assert client.close(0)


def test_given_a_block_then_its_end_flushes_and_nothing_more_is_taken(
    server: Scripted, connect: Connect
) -> None:
    with connect(server.url, flush_interval=60) as client:
        client.track("u", "tick")
    assert len(server.events()) == 1
    with pytest.raises(ClosedError):
        client.track("u", "tick")


def test_given_many_threads_then_every_event_arrives_once(server: Scripted, connect: Connect) -> None:
    client = connect(server.url, flush_size=50)

    def track() -> None:
        for n in range(200):
            client.track(threading.current_thread().name, "tick", {"n": n})

    threads = [threading.Thread(target=track) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.flush()
    arrived = [(event["user_id"], event["properties"]["n"]) for event in server.events()]
    assert len(arrived) == len(set(arrived)) == 1600


def test_given_a_full_queue_then_the_caller_is_told(server: Scripted, connect: Connect, lost: Lost) -> None:
    server.replies = [hold(server)]
    client = connect(server.url, max_queue=3, flush_size=2)
    for _ in range(3):
        client.track("u", "tick")
    with pytest.raises(QueueFullError, match="3 events wait already"):
        client.track("u", "tick")
    server.closing.set()
    assert client.flush()
    client.track("u", "tick")  # there is room again
    assert client.flush()
    assert (len(server.events()), lost) == (4, [])


def test_given_a_full_queue_when_told_to_drop_then_on_error_gets_the_event(
    server: Scripted, connect: Connect, lost: Lost
) -> None:
    server.replies = [hold(server)]
    client = connect(server.url, max_queue=1, when_full="drop")
    client.track("u", "tick", {"n": 0})
    dropped_id = client.track("u", "tick", {"n": 1})
    ((error, (event,)),) = lost
    assert isinstance(error, QueueFullError)
    assert (event["event_id"], event["properties"]) == (dropped_id, {"n": 1})
    server.closing.set()
    assert client.flush() is False
    assert client.flush() is True


def test_given_large_events_then_the_queue_is_bounded_in_bytes_too(
    server: Scripted, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "MAX_QUEUE_BYTES", 100_000)
    server.replies = [hold(server)]
    client = connect(server.url)
    client.track("u", "tick", {"text": "x" * 100_000})
    with pytest.raises(QueueFullError):
        client.track("u", "tick")
    server.closing.set()
    assert client.flush()
    client.track("u", "tick")  # there is room again


def test_given_large_events_then_batches_are_bounded_in_bytes_too(server: Scripted, connect: Connect) -> None:
    client = connect(server.url, flush_interval=60)
    for _ in range(4):
        client.track("u", "tick", {"text": "x" * 2**20})
    assert client.flush()
    assert [len(batch) for batch in server.batches()] == [3, 1]


def test_given_a_refused_event_then_on_error_gets_it_and_flush_says_so_once(
    server: Scripted, connect: Connect, lost: Lost
) -> None:
    server.replies = [
        reply(200, {"accepted": 1, "rejected": [{"index": 1, "errors": {"user_id": ["Bad."]}}]})
    ]
    client = connect(server.url, flush_interval=60)
    client.track("u", "good")
    client.track("u", "bad")
    assert client.flush() is False
    ((error, (event,)),) = lost
    assert isinstance(error, RejectedError)
    assert (error.errors, event["event_type"]) == ({"user_id": ["Bad."]}, "bad")
    assert client.flush() is True


def test_given_events_given_up_then_on_error_gets_them_together(
    server: Scripted, connect: Connect, lost: Lost
) -> None:
    server.replies = [reply(401, {"code": "unauthorized", "message": "The write key is unknown."})]
    client = connect(server.url, flush_interval=60)
    for n in range(3):
        client.track("u", "tick", {"n": n})
    assert client.flush() is False
    ((error, events),) = lost
    assert str(error) == "401 unauthorized: The write key is unknown."
    assert [event["properties"]["n"] for event in events] == [0, 1, 2]
    client.track("u", "tick")
    assert client.flush() is True


def test_given_no_on_error_then_what_is_lost_is_logged(
    server: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies = [reply(403, {"code": "paused", "message": "No."})]
    with Client(server.url) as client:
        client.track("u", "tick")
    assert caplog.record_tuples[-1] == (
        "beatline_client", logging.ERROR, "1 event(s) not stored: 403 paused: No."
    )  # fmt: skip


def test_given_a_flush_that_takes_too_long_then_it_says_no_and_the_sending_goes_on(
    server: Scripted, connect: Connect
) -> None:
    server.replies = [hold(server)]
    client = connect(server.url)
    client.track("u", "tick")
    assert client.flush(0.05) is False
    server.closing.set()
    assert client.flush() is True


def test_given_a_server_away_then_close_gives_up_in_time_and_reports_all_of_it(
    connect: Connect, lost: Lost
) -> None:
    client = connect(nobody_listening(), flush_size=2, max_retries=None, backoff=30, max_backoff=30)
    for n in range(5):
        client.track("u", "tick", {"n": n})
    began = time.monotonic()
    assert client.close(0.1) is False
    assert time.monotonic() - began < 5
    ((error, events),) = lost
    assert isinstance(error, DeliveryError)
    assert [event["properties"]["n"] for event in events] == list(range(5))


def test_given_an_answer_that_comes_after_close_gave_up_then_nothing_is_reported_twice(
    server: Scripted, connect: Connect, lost: Lost
) -> None:
    server.replies = [hold(server, reply(400))]
    client = connect(server.url)
    client.track("u", "tick")
    wait_until(lambda: bool(server.requests))
    assert client.close(0) is False
    server.closing.set()
    wait_until(lambda: not any(thread.name == "beatline-client" for thread in threading.enumerate()))
    assert len(lost) == 1


def test_given_callbacks_that_fail_then_the_thread_goes_on(
    server: Scripted, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    server.replies = [reply(400)]
    client = connect(server.url, on_error=fail, on_attempt=fail)
    client.track("u", "lost")
    assert client.flush() is False
    client.track("u", "stored")
    assert client.flush() is True
    assert {"on_error failed", "on_attempt failed"} <= set(caplog.messages)


def test_given_a_fault_of_ours_then_the_events_are_reported_and_the_thread_goes_on(
    server: Scripted, connect: Connect, lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(server.url)
    with monkeypatch.context() as patch:
        patch.setattr(client._batches, "send", lambda *_, **__: 1 / 0)
        client.track("u", "lost")
        assert client.flush() is False
    assert str(lost[0][0]) == "sending failed: division by zero"
    client.track("u", "stored")
    assert client.flush() is True


def test_given_on_error_that_uses_the_client_then_it_does_not_wait_for_itself(
    server: Scripted, connect: Connect
) -> None:
    flushed = []

    def tell(error: BeatlineClientError, events: list[dict[str, Any]]) -> None:
        client.track("u", "lost_events", {"count": len(events)})
        flushed.append(client.flush())

    server.replies = [reply(400)]
    client = connect(server.url, on_error=tell)
    client.track("u", "tick")
    wait_until(lambda: len(server.events()) == 2)
    assert flushed == [False]
    assert server.events()[-1]["properties"] == {"count": 1}


def test_given_attempts_then_each_is_told(server: Scripted, connect: Connect) -> None:
    attempts: list[Attempt] = []
    server.replies = [HANG_UP, reply(503)]
    client = connect(server.url, on_attempt=attempts.append)
    client.track("u", "tick")
    assert client.flush()
    assert [(a.status, a.events, a.accepted, a.rejected, a.retried) for a in attempts] == [
        (None, 1, 0, 0, True), (503, 1, 0, 0, True), (200, 1, 1, 0, False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [{"flush_size": 0}, {"flush_size": 10_001}, {"max_queue": 0}, {"when_full": "wait"}],
)
def test_given_senseless_settings_then_that_is_said_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="has to be"):
        Client("http://127.0.0.1:1", **settings)


def test_given_an_event_that_cannot_be_sent_then_the_caller_is_told_and_the_others_go(
    server: Scripted, connect: Connect
) -> None:
    client = connect(server.url)
    with pytest.raises(InvalidEventError):
        client.track("u", "tick", {"when": object()})
    client.track("u", "tick")
    assert client.flush()
    assert len(server.events()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_given_a_fork_then_each_process_sends_its_own_events_once(server: Scripted) -> None:
    script = """
import os, sys
from beatline_client import Client
client = Client(sys.argv[1], flush_interval=60)
client.track("u", "sent_before_the_fork")
assert client.flush()
client.track("u", "waiting_at_the_fork")
child = os.fork()
client.track("u", "of_the_child" if child == 0 else "of_the_parent")
stored = client.flush(10)
if child:
    assert os.waitpid(child, 0)[1] == 0
sys.exit(not stored)
"""
    run_script(script, server.url)
    arrived = sorted(event["event_type"] for event in server.events())
    assert arrived == ["of_the_child", "of_the_parent", "sent_before_the_fork", "waiting_at_the_fork"]
    assert len(server.connections) == 2


def test_given_a_program_that_just_ends_then_its_events_are_sent(server: Scripted) -> None:
    script = """
import sys
from beatline_client import Client
Client(sys.argv[1], flush_interval=60).track("u", "last_words")
"""
    run_script(script, server.url)
    assert [event["event_type"] for event in server.events()] == ["last_words"]


def run_script(script: str, url: str) -> None:
    """Run Python; it has to end well and say nothing."""
    command = [sys.executable, "-W", "error", "-c", script, url]
    done = subprocess.run(command, check=False, timeout=30, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
