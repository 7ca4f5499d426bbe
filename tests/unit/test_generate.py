"""The generator: its schedule, and what it does against a server that answers as told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, islice
from random import Random
from typing import Any

import pytest
from beatline_client import Client, QueueFullError

from beatline import generate
from beatline.generate import percentiles, run
from beatline.pace import CATCH_UP_SECONDS, Schedule
from beatline.shop import walk
from tests.fixtures.scripted import (
    HANG_UP,
    Received,
    Reply,
    Scripted,
    nobody_listening,
    reply,
    scripted_server,
)


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted_server() as scripted:
        yield scripted


def schedule(rate: float, duration: float | None = None, start: float = 0.0) -> Schedule:
    return Schedule(walk(Random(1), rate), rate, duration, start)


def test_given_a_rate_then_events_are_due_at_its_interval_without_drift() -> None:
    plan = schedule(rate=30, start=1000.0)
    taken = [plan.take(now=1000.0) for _ in range(301)]
    assert all(len(events) == 1 for _, events in taken)
    assert [due for due, _ in taken[:3]] == [1000.0, 1000.0 + 1 / 30, 1000.0 + 2 / 30]
    assert taken[300][0] == 1010.0


@pytest.mark.parametrize(
    ("rate", "size"), [(0.5, 1), (200, 1), (201, 2), (1000, 5), (10_000, 50), (1_000_000, 500)]
)
def test_given_a_high_rate_then_steps_grow_instead_of_multiplying(rate: float, size: int) -> None:
    assert len(schedule(rate).take(now=0.0)[1]) == size


@pytest.mark.parametrize(("rate", "duration", "total"), [(100, 2, 200), (1000, 0.333, 333)])
def test_given_a_duration_then_exactly_its_events_are_handed_out(
    rate: float, duration: float, total: int
) -> None:
    plan, handed_out = schedule(rate, duration), 0
    while events := plan.take(now=0.0)[1]:
        handed_out += len(events)
    assert handed_out == total


def test_given_a_long_stall_then_only_the_last_seconds_are_caught_up() -> None:
    plan = schedule(rate=10)
    plan.take(now=0.0)
    due, _ = plan.take(now=100.0)
    assert due == pytest.approx(100.0 - CATCH_UP_SECONDS)
    assert plan.take(now=100.0)[0] == pytest.approx(due + 0.1)


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "http://", "http://x:99999"])
def test_given_no_http_address_then_the_exit_code_is_2(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(url, 1.0) == 2
    assert capsys.readouterr().err.startswith("beatline generate: ")


@pytest.mark.parametrize(("rate", "duration"), [(0, 1), (-1, 1), (float("nan"), 1), (1, 0)])
def test_given_a_senseless_rate_or_duration_then_the_exit_code_is_2(rate: float, duration: float) -> None:
    assert run("http://127.0.0.1:1", rate, duration) == 2


def test_given_latencies_then_percentiles_are_by_nearest_rank() -> None:
    assert percentiles([]) == (0.0, 0.0)
    assert percentiles([n / 100 for n in range(100, 0, -1)]) == (0.5, 0.95)


@pytest.mark.parametrize("rate", [150, 1500])
def test_given_a_server_that_accepts_then_the_walk_arrives_in_order_and_the_exit_code_is_0(
    server: Scripted, rate: float, capsys: pytest.CaptureFixture[str]
) -> None:
    total = round(rate * 0.4)
    assert run(server.url, rate, 0.4, seed=5) == 0
    arrived = [{k: v for k, v in e.items() if k not in ("timestamp", "event_id")} for e in server.events()]
    assert arrived == list(islice(walk(Random(5), rate), total))
    assert len({event["event_id"] for event in server.events()}) == total
    assert f"sent {total:,} · accepted {total:,} · rejected 0" in capsys.readouterr().out


def test_given_a_write_key_then_it_is_sent(server: Scripted) -> None:
    assert run(server.url, 50, 0.1, write_key="bl_1") == 0
    assert {request.headers["authorization"] for request in server.requests} == {"Basic YmxfMTo="}


@pytest.mark.parametrize("answer", [(503, {"Retry-After": "0"}, b"{}"), (500, {}, b""), HANG_UP])
def test_given_a_server_in_trouble_then_the_same_events_are_sent_again_and_counted_once(
    server: Scripted, answer: Reply | None, capsys: pytest.CaptureFixture[str]
) -> None:
    server.replies = [answer] * 2
    assert run(server.url, 50, 0.2) == 0
    first, second, third, *_ = server.batches()
    assert first == second == third
    assert len({event["event_id"] for event in server.events()}) == 10
    summary = capsys.readouterr().out
    assert "sent 10 · accepted 10 · rejected 0 · failed 0 · repeated batches 2" in summary


@pytest.mark.parametrize("status", [400, 401, 404])
def test_given_a_refusal_for_good_then_it_is_counted_and_shown_and_the_exit_code_is_1(
    server: Scripted, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    server.replies = [reply(status, {"code": "no", "message": "Never."})]
    assert run(server.url, 50, 0.2) == 1
    refused = len(server.batches()[0])
    summary = capsys.readouterr().out
    assert f"accepted {10 - refused} · rejected {refused} · failed 0" in summary
    assert f"last refusal: {status} no: Never." in summary


def test_given_a_batch_refused_in_part_then_its_events_are_told_apart(
    server: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse_the_first(request: Received) -> Reply:
        accepted = len(request.body["events"]) - 1
        return reply(200, {"accepted": accepted, "rejected": [{"index": 0, "errors": {}}]})

    server.replies = [refuse_the_first]
    assert run(server.url, 1000, 0.1) == 1
    assert "sent 100 · accepted 99 · rejected 1 · failed 0" in capsys.readouterr().out


def test_given_nobody_listening_then_it_gives_up_after_the_duration_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "GRACE_SECONDS", 0.2)
    assert run(nobody_listening(), 50, 0.2) == 1
    assert "sent 10 · accepted 0 · rejected 0 · failed 10" in capsys.readouterr().out


def test_given_a_full_queue_then_nothing_more_is_taken_until_there_is_room(
    server: Scripted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Client, "track", only_every_other(Client.track))
    assert run(server.url, 100, 0.1) == 0
    assert "sent 10 · accepted 10 · rejected 0 · failed 0" in capsys.readouterr().out


def only_every_other(track: Callable[..., str]) -> Callable[..., str]:
    calls = count()

    def sometimes(*arguments: Any, **fields: Any) -> str:
        if next(calls) % 2 == 0:
            raise QueueFullError
        return track(*arguments, **fields)

    return sometimes
