"""Notifications, devices, preferences, deliveries and attempts."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0019_notifications"
down_revision = "0018_watches"


def upgrade() -> None:
    run_sql_files(revision)
