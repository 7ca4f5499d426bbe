"""Rate limits at the front door, on a real Valkey."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from beatline import project_admin
from beatline.settings import Settings
from collector import create_app
from tests.fixtures.storage import count

EVENT = {"event_type": "hello", "user_id": "me"}
MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def limited(postgres_url: str, redis_url: str) -> Iterator[MakeClient]:
    """Makes a client of a collector with the given settings."""
    apps = []

    def make(**settings: Any) -> FlaskClient:
        apps.append(create_app(Settings(database_url=postgres_url, redis_url=redis_url, **settings)))
        return apps[-1].test_client()

    yield make
    for app in apps:
        app.extensions["beatline"].close()


def test_an_address_that_asks_too_much_is_told_to_wait(limited: MakeClient) -> None:
    client = limited(ip_rate=1, ip_burst=2)
    answers = [client.post("/track", json=EVENT) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]
    assert answers[0].headers["X-RateLimit-Limit"] == "2"
    assert answers[0].headers["X-RateLimit-Remaining"] == "1"
    refused = answers[-1]
    assert refused.json["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 30
    assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]


def test_a_batch_costs_its_events(limited: MakeClient, connection: psycopg.Connection) -> None:
    client = limited(key_rate=10, key_burst=20)
    body = {"events": [EVENT] * 50}

    assert client.post("/api/v1/analytics/batch/", json=body).status_code == 200
    assert client.post("/track", json=EVENT).status_code == 429
    assert count(connection, "events") == 50


def test_each_write_key_has_its_own_limit(limited: MakeClient, connection: psycopg.Connection) -> None:
    keys = [project_admin.create_project(connection, name) for name in ("a", "b")]
    client = limited(key_rate=1, key_burst=1)

    statuses = [client.post(f"/track?write_key={key}", json=EVENT).status_code for key in (*keys, *keys)]
    assert statuses == [202, 202, 429, 429]


@pytest.mark.parametrize(("proxies", "statuses"), [(0, [202, 429]), (1, [202, 202])])
def test_addresses_behind_a_proxy_are_told_apart_when_it_is_trusted(
    limited: MakeClient, proxies: int, statuses: list[int]
) -> None:
    client = limited(ip_rate=1, ip_burst=1, trusted_proxies=proxies)
    sent = [
        client.post("/track", json=EVENT, headers={"X-Forwarded-For": f"10.9.9.9, 192.0.2.{number}"})
        for number in (1, 2)
    ]
    assert [answer.status_code for answer in sent] == statuses


def test_without_limits_there_are_no_headers(limited: MakeClient) -> None:
    answer = limited(ip_rate=0, key_rate=0).post("/track", json=EVENT)

    assert answer.status_code == 202
    assert "X-RateLimit-Limit" not in answer.headers
