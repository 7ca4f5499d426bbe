"""`beatline source`: sources of webhooks."""

from __future__ import annotations

import sys
from typing import BinaryIO

import click

from beatline import project_admin, source_admin
from beatline.cli_projects import database
from beatline.ingest.mapping import KINDS, read_mapping
from beatline.settings import Settings
from beatline.source_admin import SourceOptions

SIGNATURES = {
    "generic": "X-Beatline-Signature: t=<unix time>,v1=<hex HMAC-SHA256 of '<t>.<body>' with the secret>",
    "github": "GitHub signs by itself: paste URL and secret into the repository's webhook, content type JSON",
    "stripe": "Stripe signs with its own secret: `beatline source rotate-secret NAME --secret -` takes it",
}  # fmt: skip

secret_option = click.option(
    "--secret", help="One that the sender made, as Stripe does; - reads it from standard input."
)


@click.group()
def source() -> None:
    """Sources of webhooks: POST /webhooks/in/NAME."""


@source.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(list(KINDS)), default="generic", show_default=True)
@click.option("--project", default="default", show_default=True, help="Name or number.")
@click.option("--mapping", type=click.File("rb"), help="JSON of fields and JMESPath (docs/webhooks.md).")
@secret_option
def create(name: str, kind: str, project: str, mapping: BinaryIO | None, secret: str | None) -> None:
    """Make a source; its secret is shown this once."""
    with database() as (settings, connection):
        known = project_admin.find_project(connection, project)
        options = SourceOptions(read_mapping(mapping.read()) if mapping else None, given_secret(secret))
        made = source_admin.create_source(connection, name, known.project_id, kind, options)
        click.echo(
            f"Source {name!r} sends to project {known.name!r}.\n\n{instructions(settings, name, made)}"
        )
        click.echo(f"  {'Signature':<10}{SIGNATURES[kind].replace('NAME', name)}")


@source.command("list")
def list_all() -> None:
    """Show every source."""
    with database() as (_, connection):
        for known in source_admin.list_sources(connection):
            state = "paused" if known.paused else "open"
            click.echo(f"{known.source}\t{known.kind}\t{known.project}\t{state}")


@source.command()
@click.argument("name")
@secret_option
def rotate_secret(name: str, secret: str | None) -> None:
    """Give a source another secret, shown this once; the old one ends."""
    with database() as (settings, connection):
        made = source_admin.rotate_secret(connection, name, given_secret(secret))
        click.echo(instructions(settings, name, made))


@source.command()
@click.argument("name")
def delete(name: str) -> None:
    """Forget a source; its events stay."""
    with database() as (_, connection):
        source_admin.delete_source(connection, name)
        click.echo(f"Source {name!r} is gone.")


@source.command()
@click.argument("name")
def pause(name: str) -> None:
    """Refuse what a source sends until `resume`."""
    with database() as (_, connection):
        source_admin.pause_source(connection, name, paused=True)
        click.echo(f"Source {name!r} is paused.")


@source.command()
@click.argument("name")
def resume(name: str) -> None:
    """Take what a paused source sends again."""
    with database() as (_, connection):
        source_admin.pause_source(connection, name, paused=False)
        click.echo(f"Source {name!r} may send again.")


def given_secret(option: str | None) -> str | None:
    """The secret of the option, read from standard input for a dash."""
    return sys.stdin.readline().strip() if option == "-" else option


def instructions(settings: Settings, name: str, secret: str) -> str:
    """Where to send, and what signs it."""
    url = f"http://{settings.host}:{settings.port}/webhooks/in/{name}"
    return f"  {'URL':<10}{url}\n  {'Secret':<10}{secret}"
