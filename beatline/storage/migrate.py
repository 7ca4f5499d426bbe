"""`beatline migrate`: chooses the engine, then lets Alembic run the SQL files of sql/migrations."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import Connection

from beatline.errors import StartError
from beatline.storage.queries import SQL, query

MIGRATIONS = Path(__file__).parent / "migrations"
POSTGRES, TIMESCALEDB = "postgres", "timescaledb"


def migrate(database_url: str) -> str:
    """Bring the database to the newest schema and return its engine, postgres or timescaledb.

    Safe to run again and beside itself (one waits for the other). Raises StartError when the database
    cannot be reached.
    """
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
            engine = choose_engine(connection)
    except psycopg.OperationalError as error:
        raise StartError(f"cannot reach the database: {error}") from error
    command.upgrade(alembic_config(database_url, engine), "head")
    return engine


def choose_engine(connection: Connection) -> str:
    """The engine recorded by an earlier migration, else timescaledb where it is available."""
    recorded = read_engine(connection)
    if recorded:
        return recorded
    if connection.execute(query("timescaledb_available")).fetchone():
        connection.execute("create extension if not exists timescaledb")
        return TIMESCALEDB
    return POSTGRES


def read_engine(connection: Connection) -> str | None:
    """The engine that this database was migrated for; None before the first migration."""
    row = connection.execute("select to_regclass('installation')").fetchone()
    if row is None or row[0] is None:
        return None
    recorded = connection.execute("select engine from installation").fetchone()
    return str(recorded[0]) if recorded else None


def alembic_config(database_url: str, engine: str) -> Config:
    """Alembic's configuration, made in code: there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database_url"] = database_url
    config.attributes["engine"] = engine
    return config


def migration_files(version: str, engine: str) -> list[Path]:
    """The files of sql/migrations/<version> for this engine, in order of their names."""
    other = POSTGRES if engine == TIMESCALEDB else TIMESCALEDB
    files = sorted((SQL / "migrations" / version).glob("*.sql"))
    return [file for file in files if not file.name.endswith(f".{other}.sql")]
