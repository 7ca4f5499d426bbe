"""The body of every migration: the SQL files of its folder in sql/migrations, run in order."""

from __future__ import annotations

from alembic import context, op

from beatline.storage.migrate import migration_files


def run_sql_files(version: str) -> None:
    """Run sql/migrations/<version>/*.sql for the engine of this run, one file a message.

    The driver's connection is used directly: a file may hold several statements and any character.
    """
    engine = context.config.attributes["engine"]
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101 - Alembic runs online only
    for file in migration_files(version, engine):
        connection.execute(file.read_text(), prepare=False)
