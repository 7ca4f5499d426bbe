"""The catalogue of event types."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0005_catalogue"
down_revision = "0004_projects"


def upgrade() -> None:
    run_sql_files(revision)
