"""Load from several machines: `python -m loadtest.distributed plan` before it, `audit` after it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import psycopg

from beatline.events import DEFAULT_PROJECT
from beatline.source_admin import SourceOptions, create_source
from loadtest import audit as auditing
from loadtest import locust_process, seeding, shapes, thresholds
from loadtest.locust_process import Target

DAY = timedelta(days=1)
database_option = click.option("--database-url", required=True, help="Of the installation, migrated and new.")


@click.group()
def main() -> None:
    """Prepare a load test of an installation that runs elsewhere, and check it afterwards."""


@main.command()
@database_option
@click.option("--url", required=True, help="Of the collector.")
@click.option("--live-url", required=True, help="Of the live server.")
@click.option("--token", required=True, help="BEATLINE_ADMIN_TOKEN of the installation.")
@click.option("--shape", type=click.Choice(list(shapes.SHAPES)), default="ramp", show_default=True)
@click.option(
    "--name", default="distributed", show_default=True, help="With which the keys of its events begin."
)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("loadtest-run"), show_default=True)
def plan(  # noqa: PLR0913, PLR0917 - one for each option
    database_url: str, url: str, live_url: str, token: str, shape: str, name: str, folder: Path
) -> None:
    """Seed the history and write FOLDER/plan.json, which master and workers need."""
    expected = seeding.seed(database_url, datetime.now(UTC))
    with psycopg.connect(database_url) as connection:
        secret = create_source(connection, name, DEFAULT_PROJECT, "generic", SourceOptions())
    target = Target(url, live_url, database_url, token, name, secret, expected)
    folder.mkdir(parents=True, exist_ok=True)
    made = locust_process.plan(name, shapes.SHAPES[shape], target, folder, thresholds.read())
    (folder / "plan.json").write_text(json.dumps(made, indent=1))
    click.echo(f"{folder / 'plan.json'} is written; its secrets open that installation.")


@main.command()
@database_option
@click.option("--name", default="distributed", show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("loadtest-run"), show_default=True)
def audit(database_url: str, name: str, folder: Path) -> None:
    """Compare FOLDER, with the files of all workers in it, with what is stored; exit code 1 for any fault."""
    found = auditing.audit(database_url, folder, name, datetime.now(UTC) - DAY)
    click.echo(", ".join(f"{what} {count:,}" for what, count in found.items()))
    sys.exit(1 if auditing.faults(found) else 0)


if __name__ == "__main__":
    main()
