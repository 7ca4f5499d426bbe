"""`beatline project`: projects and their write keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import click
from psycopg import Connection

from beatline import project_admin
from beatline.embedded import postgres
from beatline.errors import StartError
from beatline.events import utc_now
from beatline.settings import Settings
from beatline.storage.store import connected


@click.group()
def project() -> None:
    """Projects and their write keys."""


@project.command()
@click.argument("name")
@click.option("--domain", "domains", multiple=True, help="A site whose Plausible tracker sends here.")
def create(name: str, domains: tuple[str, ...]) -> None:
    """Make a project and say what to paste."""
    with database() as (settings, connection):
        write_key = project_admin.create_project(connection, name, domains)
        click.echo(f"Project {name!r} is ready.\n\n{what_to_paste(settings, write_key)}")


@project.command("list")
def list_all() -> None:
    """Show every project with its write keys and domains."""
    with database() as (_, connection):
        for known in project_admin.list_projects(connection):
            state = "paused" if known.paused else "open"
            click.echo(f"{known.project_id}\t{known.name}\t{state}\t{' '.join(known.write_keys)}")


@project.command()
@click.argument("name")
@click.option(
    "--grace-hours", type=click.FloatRange(0, 8760), default=0.0, help="How long old keys still work."
)
def rotate_key(name: str, grace_hours: float) -> None:
    """Give a project a new write key; the old ones end."""
    with database() as (settings, connection):
        known = project_admin.find_project(connection, name)
        grace = timedelta(hours=grace_hours)
        write_key = project_admin.rotate_key(connection, known.project_id, utc_now(), grace)
        click.echo(what_to_paste(settings, write_key))


@project.command()
@click.argument("name")
def pause(name: str) -> None:
    """Take no events of a project until `resume`."""
    set_paused(name, paused=True)


@project.command()
@click.argument("name")
def resume(name: str) -> None:
    """Take events of a paused project again."""
    set_paused(name, paused=False)


def set_paused(name: str, *, paused: bool) -> None:
    """Pause a project or let it go on, and say so."""
    with database() as (_, connection):
        known = project_admin.find_project(connection, name)
        project_admin.pause_project(connection, known.project_id, paused=paused)
        click.echo(f"Project {known.name!r} {'is paused' if paused else 'takes events again'}.")


@contextmanager
def database() -> Iterator[tuple[Settings, Connection]]:
    """The settings, and a connection to their database or to the embedded one that runs.

    Raises StartError when neither is there.
    """
    settings = Settings.from_env()
    url = settings.database_url or postgres.running_url(settings.data)
    if url is None:
        raise StartError(
            "no database: set BEATLINE_DATABASE_URL, or start the embedded one with `beatline up`"
        )
    with connected(url) as connection:
        yield settings, connection


def what_to_paste(settings: Settings, write_key: str) -> str:
    """How the usual clients are told where to send."""
    host = f"http://{settings.host}:{settings.port}"
    lines = [
        ("Write key", write_key),
        ("HTML", f'<script async src="{host}/tracker.js" data-write-key="{write_key}"></script>'),
        ("Python", f'beatline_client.Client("{host}", "{write_key}")'),
        ("Segment", f'Analytics({{writeKey: "{write_key}", host: "{host}"}})'),
        ("PostHog", f'posthog.init("{write_key}", {{api_host: "{host}"}})'),
        ("curl", f'curl {host}/track -u {write_key}: -d \'{{"event_type": "hello", "user_id": "me"}}\''),
    ]
    return "\n".join(f"  {name:<10}{text}" for name, text in lines)
