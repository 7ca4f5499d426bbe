"""Tables: events, sessions, the ledger, rejected events, projects."""

from alembic import context, op

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0001_events"
down_revision = None


def upgrade() -> None:
    run_sql_files(revision)
    engine = context.config.attributes["engine"]
    op.get_bind().exec_driver_sql("insert into installation (engine) values (%s)", (engine,))
