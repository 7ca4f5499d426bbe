"""The collector behind its real server: what only sockets show."""

from __future__ import annotations

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.fixtures.collectors import running_collector

EVENT = {"event_type": "x", "user_id": "u"}


def test_events_of_many_connections_are_committed_and_counted(
    postgres_url: str, redis_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    def send(_: int) -> int:
        with httpx.Client(base_url=url) as client:
            return sum(client.post("/track", json=EVENT).status_code == 202 for _ in range(25))

    with running_collector(tmp_path, postgres_url, redis_url, workers=2) as url:
        with ThreadPoolExecutor(8) as threads:
            acknowledged = sum(threads.map(send, range(8)))
        metrics = httpx.get(f"{url}/metrics").text

    assert acknowledged == 200
    assert connection.execute("select count(*) from events").fetchone() == (200,)
    assert 'beatline_events_accepted_total{source="track"} 200.0' in metrics  # of both processes together


def test_a_body_that_is_too_large_gets_its_answer(collector_url: str) -> None:
    answer = httpx.post(f"{collector_url}/track", content=b" " * 10_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_chunked_body_is_taken_and_bounded(collector_url: str) -> None:
    small = httpx.post(f"{collector_url}/track", content=iter([json.dumps(EVENT).encode()]))
    assert small.status_code == 202

    large = httpx.post(f"{collector_url}/track", content=(b" " * 2**20 for _ in range(10)))
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


def test_a_connection_serves_on_after_a_refusal(collector_url: str) -> None:
    address = urlsplit(collector_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    for body, status in ((b"{", 400), (json.dumps(EVENT).encode(), 202), (b"[]", 400)):
        connection.request("POST", "/track", body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    connection.close()


def test_half_a_request_harms_nobody(collector_url: str) -> None:
    address = urlsplit(collector_url)
    with socket.create_connection((str(address.hostname), address.port)) as half:
        half.sendall(b"POST /track HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert httpx.post(f"{collector_url}/track", json=EVENT).status_code == 202


@pytest.mark.parametrize("server", ["gthread", "gevent"])
def test_every_server_takes_events(
    server: str, postgres_url: str, redis_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    with running_collector(tmp_path, postgres_url, redis_url, server=server) as url:
        assert httpx.post(f"{url}/track", json=EVENT).status_code == 202
        assert httpx.get(f"{url}/api/v1/metrics/active-users").json()["active_users"] == 1
    assert connection.execute("select count(*) from events").fetchone() == (1,)


def test_given_refusals_before_the_body_then_the_connection_serves_on(collector_url: str) -> None:
    with closing(http.client.HTTPConnection(urlsplit(collector_url).netloc)) as connection:
        connection.connect()
        connection.auto_open = 0
        for size in (50_000, 1_000_000, 4_000_000):
            connection.request("POST", "/track", b"x" * size, {"X-Write-Key": "unknown"})
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())["code"]) == (401, "unauthorized")
