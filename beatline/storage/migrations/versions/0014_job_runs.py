"""The runs of the schedule, and dead letters."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0014_job_runs"
down_revision = "0013_database_roles"


def upgrade() -> None:
    run_sql_files(revision)
