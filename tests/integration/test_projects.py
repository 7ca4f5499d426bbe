"""Projects and write keys: where events go, who is refused, and how the command changes it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from beatline import project_admin
from beatline.cli import cli
from beatline.events import utc_now
from beatline.settings import Settings
from collector import create_app
from tests.fixtures.storage import count

TRACK, BATCH = "/track", "/api/v1/analytics/batch/"
EVENT = {"event_type": "hello", "user_id": "me"}


@pytest.fixture
def write_key(connection: psycopg.Connection) -> str:
    """The key of a project beside the default one; it has the number 2."""
    return project_admin.create_project(connection, "shop")


@pytest.fixture
def closed(postgres_url: str, redis_url: str) -> Iterator[FlaskClient]:
    """A collector that takes nothing without a write key."""
    app = create_app(Settings(database_url=postgres_url, redis_url=redis_url, open_ingest=False))
    yield app.test_client()
    app.extensions["beatline"].close()


def basic(user: str) -> str:
    """Basic credentials without a password."""
    return "Basic " + base64.b64encode(f"{user}:".encode()).decode()


def projects_of_events(connection: psycopg.Connection) -> list[int]:
    """The project of each stored event."""
    return [project for (project,) in connection.execute("select project_id from events")]


Send = Callable[[FlaskClient, str, dict[str, Any]], Any]
WAYS: dict[str, Send] = {
    "basic": lambda client, key, event: client.post(TRACK, json=event, headers={"Authorization": basic(key)}),
    "basic without colon": lambda client, key, event: client.post(
        TRACK, json=event, headers={"Authorization": "Basic " + base64.b64encode(key.encode()).decode()}
    ),
    "bearer": lambda client, key, event: client.post(
        TRACK, json=event, headers={"Authorization": f"Bearer {key}"}
    ),
    "header": lambda client, key, event: client.post(TRACK, json=event, headers={"X-Write-Key": key}),
    "query": lambda client, key, event: client.post(f"{TRACK}?write_key={key}", json=event),
    "camel query": lambda client, key, event: client.post(f"{TRACK}?writeKey={key}", json=event),
    "batch body": lambda client, key, event: client.post(BATCH, json={"events": [event], "write_key": key}),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_write_key_says_whose_event_it_is(
    closed: FlaskClient, connection: psycopg.Connection, write_key: str, way: str
) -> None:
    assert WAYS[way](closed, write_key, EVENT).status_code in (200, 202)
    assert projects_of_events(connection) == [2]


@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_key_is_refused_though_ingestion_is_open(
    client: FlaskClient, connection: psycopg.Connection, way: str
) -> None:
    answer = WAYS[way](client, "bl_unknown", EVENT)

    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert count(connection, "events") == 0


def test_without_a_key_the_default_project_takes_the_event(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    assert client.post(TRACK, json=EVENT).status_code == 202
    assert projects_of_events(connection) == [1]


def test_without_a_key_a_closed_collector_refuses(closed: FlaskClient) -> None:
    assert closed.post(TRACK, json=EVENT).status_code == 401


def test_the_default_project_has_a_key_from_the_start(
    closed: FlaskClient, connection: psycopg.Connection
) -> None:
    (key,) = project_admin.find_project(connection, "default").write_keys

    assert closed.post(f"{TRACK}?write_key={key}", json=EVENT).status_code == 202


def test_an_unknown_key_is_refused_before_the_body_is_read(closed: FlaskClient) -> None:
    answer = closed.post(TRACK, data=b"{ broken", headers={"X-Write-Key": "bl_unknown"})

    assert answer.json["code"] == "unauthorized"


def test_a_key_works_as_soon_as_it_is_made(closed: FlaskClient, connection: psycopg.Connection) -> None:
    for number in range(3):
        key = project_admin.create_project(connection, f"project {number}")
        assert closed.post(f"{TRACK}?write_key={key}", json=EVENT).status_code == 202


def test_a_paused_project_takes_nothing_until_it_goes_on(
    app: Flask, connection: psycopg.Connection, write_key: str
) -> None:
    client, projects = app.test_client(), app.extensions["beatline"].projects
    send = {"json": EVENT, "headers": {"X-Write-Key": write_key}}

    project_admin.pause_project(connection, 2, paused=True)
    projects.refresh()
    answer = client.post(TRACK, **send)
    assert (answer.status_code, answer.json["code"]) == (403, "paused")

    project_admin.pause_project(connection, 2, paused=False)
    projects.refresh()
    assert client.post(TRACK, **send).status_code == 202


@pytest.mark.parametrize(("grace", "status"), [(timedelta(), 401), (timedelta(hours=1), 202)])
def test_a_rotated_key_works_for_its_grace(
    closed: FlaskClient, connection: psycopg.Connection, write_key: str, grace: timedelta, status: int
) -> None:
    new_key = project_admin.rotate_key(connection, 2, utc_now(), grace)

    assert closed.post(f"{TRACK}?write_key={new_key}", json=EVENT).status_code == 202
    assert closed.post(f"{TRACK}?write_key={write_key}", json=EVENT).status_code == status


def test_known_keys_work_while_the_database_cannot_be_asked(app: Flask, write_key: str) -> None:
    services = app.extensions["beatline"]
    services.projects.refresh()
    services.pool.close()

    client = app.test_client()
    assert client.post(TRACK, json=EVENT, headers={"X-Write-Key": write_key}).status_code == 202
    answer = client.post(TRACK, json=EVENT, headers={"X-Write-Key": "bl_unknown"})
    assert answer.status_code in (401, 503)


def test_the_command_makes_shows_and_changes_projects(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, connection: psycopg.Connection
) -> None:
    monkeypatch.setenv("BEATLINE_DATABASE_URL", postgres_url)

    def run(*words: str) -> str:
        result = CliRunner().invoke(cli, ["project", *words], catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    made = run("create", "shop", "--domain", "Shop.example")
    (key, domain) = project_admin.find_project(connection, "shop").write_keys
    assert key in made
    assert domain == "shop.example"
    assert f"2\tshop\topen\t{key} shop.example" in run("list")
    run("pause", "shop")
    assert "2\tshop\tpaused" in run("list")
    run("resume", "2")
    assert project_admin.find_project(connection, "2").paused is False
    run("rotate-key", "shop")
    assert key not in run("list")
    assert "shop.example" in run("list")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["create", "default"], "there is a project 'default' already"),
        (["create", ""], "1 to 200 characters"),
        (["create", "x", "--domain", "y" * 201], "1 to 200 characters"),
        (["pause", "nobody"], "there is no project 'nobody'"),
    ],
)
def test_the_command_says_what_is_wrong(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, words: list[str], complaint: str
) -> None:
    monkeypatch.setenv("BEATLINE_DATABASE_URL", postgres_url)
    result = CliRunner().invoke(cli, ["project", *words])
    assert complaint in str(result.exception)
