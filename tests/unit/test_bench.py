"""The benchmark's own arithmetic: percentiles, reading answers, goals, and what is sent."""

import re
from random import Random
from uuid import UUID

import msgspec
import pytest

from loadtest.bench import workload
from loadtest.bench.load_client import NUMBER, Head, LoadError, parse_head, percentile, post
from loadtest.bench.report import Bar, Goal, Table, chart, drawn, markdown_table

ANSWER = b"HTTP/1.1 202 Accepted\r\nServer: x\r\ncontent-length: 5\r\nX: y\r\n\r\nhello"
HEAD_ENDS = ANSWER.index(b"hello")


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [
        (1, 0.5, 1.0),
        (1, 0.99, 1.0),
        (2, 0.5, 1.0),
        (3, 0.5, 2.0),
        (100, 0.5, 50.0),
        (100, 0.95, 95.0),
        (100, 0.99, 99.0),
        (101, 0.99, 100.0),
        (100, 1.0, 100.0),
        (100, 0.0, 1.0),
    ],
)
def test_given_the_numbers_from_1_then_the_percentile_is_the_nearest_rank(
    count: int, share: float, expected: float
) -> None:
    assert percentile([float(number) for number in range(1, count + 1)], share) == expected


def test_given_random_values_then_at_least_the_share_lies_at_or_below_the_percentile() -> None:
    rng = Random(1)
    for _ in range(200):
        values = sorted(rng.choices(range(20), k=rng.randint(1, 50)))
        share = rng.random()
        value = percentile(values, share)
        assert sum(one <= value for one in values) >= share * len(values)
        assert sum(one < value for one in values) < max(share * len(values), 1)


@pytest.mark.parametrize("received", range(HEAD_ENDS))
def test_given_an_incomplete_head_then_there_is_no_answer_yet(received: int) -> None:
    assert parse_head(ANSWER[:received]) is None


@pytest.mark.parametrize("received", range(HEAD_ENDS, len(ANSWER) + 1))
def test_given_a_complete_head_then_status_and_whole_length_are_known(received: int) -> None:
    assert parse_head(ANSWER[:received]) == Head(202, len(ANSWER))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Content-Length: 5\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"nonsense\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_given_an_answer_whose_end_cannot_be_told_then_the_load_stops(answer: bytes) -> None:
    with pytest.raises(LoadError):
        parse_head(answer)


def test_given_a_body_then_the_post_declares_its_length() -> None:
    head, _, body = post("/track", "ä".encode()).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /track HTTP/1.1\r\n")
    assert b"Content-Length: 2" in head.split(b"\r\n")
    assert body == "ä".encode()


def test_given_batches_with_client_ids_then_each_number_makes_fresh_uuids() -> None:
    request = workload.batch_requests(with_ids=True)[0]
    length = int(re.search(rb"Content-Length: (\d+)", request)[1])  # type: ignore[index]
    ids = set()
    for number in range(3):
        body = request.replace(NUMBER, b"%08x" % number).partition(b"\r\n\r\n")[2]
        assert len(body) == length
        ids |= {UUID(event["event_id"]) for event in msgspec.json.decode(body)["events"]}
    assert len(ids) == 3 * workload.BATCH_EVENTS
    assert {one.version for one in ids} == {4}


def test_given_batches_without_client_ids_then_nothing_is_left_to_fill_in() -> None:
    requests = workload.batch_requests(with_ids=False)
    assert len(requests) == workload.BATCH_REQUESTS
    assert not any(NUMBER in request or b"event_id" in request for request in requests)


def test_given_the_same_events_then_requests_and_rows_carry_the_same() -> None:
    rows = workload.rows(workload.BATCH_EVENTS)
    body = workload.batch_requests(with_ids=False)[0].partition(b"\r\n\r\n")[2]
    events = msgspec.json.decode(body)["events"]
    names = ("event_type", "user_id", "session_id", "page_url")
    for row, event in zip(rows, events, strict=True):
        named = dict(zip(workload.COLUMNS, row, strict=True))
        assert [named[name] for name in names] == [event[name] for name in names]
        assert msgspec.json.decode(named["properties"]) == event["properties"]


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("rate", 0.45, at_least=0.45), True),
        (Goal("rate", 0.449, at_least=0.45), False),
        (Goal("time", 1.5, at_most=1.5), True),
        (Goal("time", 1.51, at_most=1.5), False),
    ],
)
def test_given_a_figure_then_its_goal_is_met_up_to_the_bound(goal: Goal, met: bool) -> None:
    assert goal.met is met


def test_given_bars_then_the_largest_is_full_and_nothing_is_empty() -> None:
    assert drawn(1.0) == "█" * 40
    assert drawn(0.5) == "█" * 20
    assert drawn(0.0) == ""
    assert drawn(1 / 320) == "▏"
    assert chart([Bar("a", 2000), Bar("bc", 1000)]).splitlines() == [
        "```text", f"a  {'█' * 40} 2,000", f"bc {'█' * 20} 1,000", "```",
    ]  # fmt: skip


def test_given_a_table_then_it_is_markdown() -> None:
    lines = markdown_table(Table(["a", "b"], [["1", "2"]])).splitlines()
    assert lines == ["| a | b |", "| --- | ---: |", "| 1 | 2 |"]
