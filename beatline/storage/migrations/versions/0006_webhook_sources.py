"""Sources of webhooks."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0006_webhook_sources"
down_revision = "0005_catalogue"


def upgrade() -> None:
    run_sql_files(revision)
