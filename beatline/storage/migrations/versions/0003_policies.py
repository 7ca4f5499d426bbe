"""Policies: refresh, columnstore."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0003_policies"
down_revision = "0002_aggregates"


def upgrade() -> None:
    run_sql_files(revision)
