"""Exports: what is asked for, how far it is, where its file lies."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0016_exports"
down_revision = "0015_reports"


def upgrade() -> None:
    run_sql_files(revision)
