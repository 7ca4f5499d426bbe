"""Views that tell of the database itself: sizes, freshness, connections, slow statements."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0008_dashboards"
down_revision = "0007_imports"


def upgrade() -> None:
    run_sql_files(revision)
