"""Collector and workers have roles of their own; a few functions act with the owner's rights."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0013_database_roles"
down_revision = "0012_allowed_origins"


def upgrade() -> None:
    run_sql_files(revision)
