"""Which days are archived, and with what result."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0017_archive"
down_revision = "0016_exports"


def upgrade() -> None:
    run_sql_files(revision)
