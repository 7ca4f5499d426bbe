"""The event log's filters, and indexes on properties that somebody asked for."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0011_property_indexes"
down_revision = "0010_accounts"


def upgrade() -> None:
    run_sql_files(revision)
