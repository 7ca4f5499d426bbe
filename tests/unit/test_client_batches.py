"""How the Python client brings a batch over: what it sends, when it sends again, whom it believes."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from beatline_client import Attempt, DeliveryError, RejectedError
from beatline_client.batches import LONGEST_RETRY_AFTER, BatchSender, Retries, Verdict
from beatline_client.transport import Target, Transport, retry_after

from tests.fixtures.scripted import (
    HANG_UP,
    Received,
    Reply,
    Scripted,
    nobody_listening,
    reply,
    scripted_server,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted_server() as scripted:
        yield scripted


class Sending:
    """A sender of batches that remembers how long it would have waited instead of waiting."""

    def __init__(self, url: str, retries: int | None = 3, gzip: bool = False, timeout: float = 5) -> None:
        self.transport = Transport(url, "bl_key", timeout)
        self.attempts: list[Attempt] = []
        self.batches = BatchSender(self.transport, Retries(retries), gzip, self.attempts.append)
        self.waits: list[float] = []
        self.patience = 100

    def send(self, events: int = 1, size: int = 10, stamp: bool = True) -> list[Verdict]:
        texts = [json.dumps({"n": n, "text": "x" * size}).encode() for n in range(events)]
        verdicts = self.batches.send(texts, self.wait, stamp)
        self.transport.close()
        return verdicts

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return len(self.waits) <= self.patience


def test_given_a_batch_then_it_goes_out_with_the_key_and_the_time_of_sending(server: Scripted) -> None:
    assert Sending(server.url + "/prefix/").send(events=2) == [None, None]
    (request,) = server.requests
    assert request.path == "/prefix/api/v1/analytics/batch/"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"bl_key:").decode()
    assert request.headers["user-agent"].startswith("beatline-client-python/")
    assert [event["n"] for event in request.body["events"]] == [0, 1]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(request.body["sent_at"])) < timedelta(seconds=30)


def test_given_no_stamp_then_the_time_of_sending_is_left_out(server: Scripted) -> None:
    Sending(server.url).send(stamp=False)
    assert "sent_at" not in server.requests[0].body


@pytest.mark.parametrize(
    ("gzip", "size", "encoding"), [(True, 2000, "gzip"), (True, 10, None), (False, 2000, None)]
)
def test_given_a_large_body_then_it_is_compressed_unless_told_otherwise(
    server: Scripted, gzip: bool, size: int, encoding: str | None
) -> None:
    assert Sending(server.url, gzip=gzip).send(size=size) == [None]
    assert server.requests[0].headers.get("content-encoding") == encoding


@pytest.mark.parametrize(
    "answer",
    [reply(status) for status in (408, 429, 500, 502, 503, 504)] + [HANG_UP],
    ids=lambda answer: str(answer and answer[0]),
)
def test_given_trouble_that_passes_then_the_same_events_are_sent_again(
    server: Scripted, answer: Reply | None
) -> None:
    server.replies = [answer, answer]
    sending = Sending(server.url)
    assert sending.send(events=2) == [None, None]
    first, second, third = server.requests
    assert first.body["events"] == second.body["events"] == third.body["events"]
    assert first.body["sent_at"] < second.body["sent_at"] < third.body["sent_at"]
    assert [attempt.retried for attempt in sending.attempts] == [True, True, False]
    assert [attempt.accepted for attempt in sending.attempts] == [0, 0, 2]
    assert len(sending.waits) == 2


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 405, 415])
def test_given_a_refusal_for_good_then_the_events_are_given_up_at_once(server: Scripted, status: int) -> None:
    server.replies = [reply(status, {"code": "no", "message": "Never."})]
    sending = Sending(server.url)
    first, second = sending.send(events=2)
    assert isinstance(first, DeliveryError)
    assert first is second
    assert (first.status, str(first)) == (status, f"{status} no: Never.")
    assert (len(server.requests), sending.waits) == (1, [])


def test_given_a_redirect_then_the_error_says_where_to(server: Scripted) -> None:
    server.replies = [reply(308, Location="https://elsewhere.example/")]
    (verdict,) = Sending(server.url).send()
    assert str(verdict) == "308: redirected to https://elsewhere.example/, give that as host"


def test_given_lasting_trouble_then_it_gives_up_after_the_retries(server: Scripted) -> None:
    server.replies = [reply(503, {"code": "unavailable", "message": "Away."})] * 10
    (verdict,) = Sending(server.url, retries=3).send()
    assert isinstance(verdict, DeliveryError)
    assert (verdict.status, str(verdict)) == (503, "503 unavailable: Away.")
    assert len(server.requests) == 4


def test_given_no_time_to_wait_then_it_gives_up_at_once(server: Scripted) -> None:
    server.replies = [reply(503)] * 10
    sending = Sending(server.url, retries=None)
    sending.patience = 2
    assert isinstance(sending.send()[0], DeliveryError)
    assert len(server.requests) == 3


@pytest.mark.parametrize("retries", [0, 2])
def test_given_nobody_listening_then_it_is_not_known_what_was_stored(retries: int) -> None:
    sending = Sending(nobody_listening(), retries=retries)
    (verdict,) = sending.send()
    assert isinstance(verdict, DeliveryError)
    assert verdict.status is None
    assert str(verdict).startswith("no answer: ")
    assert [attempt.status for attempt in sending.attempts] == [None] * (retries + 1)


def test_given_a_server_that_is_silent_then_the_attempt_ends_with_the_timeout(server: Scripted) -> None:
    silence: list[Received] = []

    def be_silent(request: Received) -> None:
        silence.append(request)
        server.closing.wait(5)

    server.replies = [be_silent]
    sending = Sending(server.url, timeout=0.1)
    assert sending.send() == [None]
    server.closing.set()
    assert [attempt.status for attempt in sending.attempts] == [None, 200]
    assert "timed out" in sending.attempts[0].problem


def test_given_413_then_the_batch_is_halved_until_the_culprit_is_alone(server: Scripted) -> None:
    def too_large(request: Received) -> Reply:
        if any(event["n"] == 5 for event in request.body["events"]):
            return reply(413, {"code": "too_large", "errors": {"body": ["Larger than 9 bytes."]}})
        return reply(200, {"accepted": len(request.body["events"]), "rejected": []})

    server.replies = [too_large] * 20
    sending = Sending(server.url)
    verdicts = sending.send(events=8)
    culprit = verdicts.pop(5)
    assert isinstance(culprit, RejectedError)
    assert culprit.errors == {"body": ["Larger than 9 bytes."]}
    assert verdicts == [None] * 7
    assert sending.waits == []
    assert sum(attempt.accepted for attempt in sending.attempts) == 7


def test_given_a_server_that_refuses_a_body_unread_then_its_answer_is_heard() -> None:
    def refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}")
        connection.close()  # with bytes unread: the client's next ones are answered with a reset

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        (verdict,) = Sending(url, retries=0).send(size=8 * 2**20)
        thread.join()
    assert isinstance(verdict, RejectedError)
    assert verdict.errors == {"event": ["Too large."]}


def test_given_events_rejected_in_an_accepted_batch_then_each_has_its_own_verdict(server: Scripted) -> None:
    rejected = [
        {"index": 1, "errors": {"event_type": ["Bad."]}},
        {"index": 3, "errors": {"user_id": ["No."]}},
    ]
    server.replies = [reply(200, {"accepted": 2, "rejected": rejected})]
    verdicts = Sending(server.url).send(events=4)
    assert [getattr(verdict, "errors", None) for verdict in verdicts] == [
        None, {"event_type": ["Bad."]}, None, {"user_id": ["No."]}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>Welcome</html>",
        b"[]",
        b"{}",
        b'{"accepted": 1, "rejected": []}',
        b'{"accepted": 2, "rejected": null}',
        b'{"accepted": 1, "rejected": [{"index": 7, "errors": {}}]}',
    ],
)
def test_given_an_answer_that_accounts_for_other_events_then_it_is_not_believed(
    server: Scripted, content: bytes
) -> None:
    server.replies = [(200, {}, content)]
    verdicts = Sending(server.url).send(events=2)
    assert all(isinstance(verdict, DeliveryError) for verdict in verdicts)


def test_given_a_kept_connection_that_died_then_a_new_one_is_taken_at_once(server: Scripted) -> None:
    sending = Sending(server.url, retries=0)
    server.replies = [HANG_UP]
    transport = sending.transport
    assert transport.request("POST", "/", b"{}").status == 0  # a new connection: the failure counts
    assert transport.request("POST", "/", b'{"events": []}').status == 200
    server.replies = [HANG_UP]
    assert transport.request("POST", "/", b'{"events": []}').status == 200
    assert len(server.connections) == 3
    transport.close()


def test_given_one_request_after_another_then_they_share_a_connection(server: Scripted) -> None:
    transport = Transport(server.url, None, 5)
    assert [transport.request("POST", "/", b'{"events": []}').status for _ in range(3)] == [200] * 3
    assert len(server.connections) == 1
    assert "authorization" not in server.requests[0].headers
    transport.close()


def test_given_a_callback_that_fails_then_the_events_are_delivered_all_the_same(
    server: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(attempt: Attempt) -> None:
        raise ZeroDivisionError

    transport = Transport(server.url, None, 5)
    assert BatchSender(transport, Retries(), False, fail).send([b"{}"], lambda _: True, True) == [None]
    assert "on_attempt failed" in caplog.text
    transport.close()


def test_given_retries_then_the_waits_double_with_jitter_up_to_a_limit() -> None:
    retries = Retries(limit=10, first=0.5, longest=30.0)
    for done, doubled in enumerate([0.5, 1, 2, 4, 8, 16, 30, 30]):
        waits = [retries.pause(done, None) for _ in range(50)]
        assert doubled / 2 <= min(waits) < max(waits) <= doubled
    assert [retries.allow(done) for done in (0, 9, 10)] == [True, True, False]
    assert Retries(limit=None).allow(10_000)


@pytest.mark.parametrize(("asked", "least"), [(7.0, 7.0), (1e9, LONGEST_RETRY_AFTER)])
def test_given_a_retry_after_then_no_wait_is_shorter(asked: float, least: float) -> None:
    waits = [Retries(first=0.5).pause(0, asked) for _ in range(50)]
    assert least < min(waits) <= max(waits) <= least + 0.5


def test_given_retry_after_in_the_answer_then_it_is_waited_for(server: Scripted) -> None:
    server.replies = [reply(429, Retry_After="7")]
    sending = Sending(server.url)
    assert sending.send() == [None]
    assert sending.waits[0] >= 7


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", None),
        ("soon", None),
        ("-3", None),
        ("²", None),
    ],
)
def test_given_a_retry_after_header_then_it_is_seconds_or_nothing(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after(header, NOON) == seconds


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://127.0.0.1:8000", Target(False, "127.0.0.1", 8000, "")),
        ("https://events.example/in/", Target(True, "events.example", 443, "/in")),
        ("http://[::1]:81/", Target(False, "::1", 81, "")),
    ],
)
def test_given_an_address_then_it_is_taken_apart(url: str, target: Target) -> None:
    assert Target.parse(url) == target


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "http://", "http://x:99999"])
def test_given_no_http_address_then_that_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Transport(url, None, 5)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://a..b", "http://127.0.0.1:1/a b"])
def test_given_an_address_that_leads_nowhere_then_no_exception_leaves_the_transport(url: str) -> None:
    answer = Transport(url, None, 0.5).request("GET", "/")
    assert (answer.status, bool(answer.body)) == (0, True)
