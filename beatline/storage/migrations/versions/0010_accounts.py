"""Accounts, login sessions, API tokens, the audit log."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0010_accounts"
down_revision = "0009_alert_history"


def upgrade() -> None:
    run_sql_files(revision)
