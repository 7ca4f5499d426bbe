"""The history of Grafana's alerts."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0009_alert_history"
down_revision = "0008_dashboards"


def upgrade() -> None:
    run_sql_files(revision)
