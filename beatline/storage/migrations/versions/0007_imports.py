"""Imports of files."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0007_imports"
down_revision = "0006_webhook_sources"


def upgrade() -> None:
    run_sql_files(revision)
