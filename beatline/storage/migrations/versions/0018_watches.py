"""Watches of people and admins, their states and history."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0018_watches"
down_revision = "0017_archive"


def upgrade() -> None:
    run_sql_files(revision)
