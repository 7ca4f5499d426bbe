"""The command `beatline`."""

from __future__ import annotations

import sys

import click

from beatline.cli_archive import archive
from beatline.cli_projects import project
from beatline.cli_sources import source
from beatline.cli_users import user
from beatline.errors import BeatlineError, StartError
from beatline.settings import Settings


@click.group()
@click.version_option(package_name="beatline")
def cli() -> None:
    """Beatline: self-hosted, real-time event tracking."""


@cli.command()
def up() -> None:
    """Run everything on this machine, the database included, until Ctrl-C."""
    from beatline import up as supervisor  # noqa: PLC0415 - the other commands need none of it

    sys.exit(supervisor.run(Settings.from_env()))


@cli.command()
def migrate() -> None:
    """Bring the database of BEATLINE_DATABASE_URL to the newest schema."""
    from beatline.accounts.first_admin import first_admin  # noqa: PLC0415 - as above
    from beatline.storage.migrate import migrate as run_migrations  # noqa: PLC0415
    from beatline.storage.roles import passwords_of  # noqa: PLC0415

    settings = Settings.from_env()
    if settings.database_url is None:
        raise StartError("BEATLINE_DATABASE_URL is not set")
    engine = run_migrations(
        settings.database_url, settings.retention_days, passwords_of(settings), archive=settings.archive
    )
    click.echo(f"Migrated; the engine is {engine}.")
    if password := first_admin(settings.database_url, settings.admin_email):
        click.echo(f"Made the account {settings.admin_email} with the password {password}")


@cli.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The collector.")
@click.option("--rate", default=100.0, show_default=True, help="Events per second.")
@click.option("--duration", type=float, help="Seconds; without it, until stopped.")
@click.option("--seed", type=int, help="The same seed makes the same events.")
@click.option("--write-key", help="The project's; without it, the default project.")
def generate(url: str, rate: float, duration: float | None, seed: int | None, write_key: str | None) -> None:
    """Send random but realistic events to a collector: people walking through a shop."""
    from beatline import generate as generator  # noqa: PLC0415

    sys.exit(generator.run(url, rate, duration, seed, write_key))


cli.add_command(archive)


@cli.command()
def vapid() -> None:
    """Make a key for Web Push; browsers that have subscribed with another one have to do so again."""
    from beatline.accounts.signing_keys import new_key  # noqa: PLC0415 - as above
    from beatline.notifications.vapid_keys import key_of, public_half  # noqa: PLC0415

    pem = new_key()
    click.echo('BEATLINE_VAPID_PRIVATE_KEY="{}"'.format(pem.strip().replace("\n", "\\n")))
    click.echo(f"Browsers subscribe with {public_half(key_of(pem))}, which the API tells them.")


cli.add_command(project)
cli.add_command(source)
cli.add_command(user)


def main() -> None:
    """Run the command; an error of ours is one sentence and exit code 1."""
    try:
        cli()
    except BeatlineError as error:
        sys.exit(f"beatline: {error}")
