"""Aggregates per minute, hour and day."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0002_aggregates"
down_revision = "0001_events"


def upgrade() -> None:
    run_sql_files(revision)
