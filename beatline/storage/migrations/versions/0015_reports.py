"""Saved reports and their schedules."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0015_reports"
down_revision = "0014_job_runs"


def upgrade() -> None:
    run_sql_files(revision)
