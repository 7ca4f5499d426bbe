"""`beatline migrate`: chooses the engine, then lets Alembic run the SQL files of sql/migrations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import Connection

from beatline.errors import StartError
from beatline.storage.engine import POSTGRES, TIMESCALEDB, read_engine
from beatline.storage.queries import SQL, query
from beatline.storage.retention import set_retention_policy
from beatline.storage.roles import let_roles, make_roles

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(
    database_url: str,
    retention_days: int | None = None,
    passwords: Mapping[str, str | None] = MappingProxyType({}),
    *,
    archive: bool = False,
) -> str:
    """Bring the database to the newest schema and retention, and return its engine, postgres or timescaledb.

    The other roles get what they may do, and the passwords given for them (beatline.storage.roles). Safe to
    run again and beside itself (one waits for the other). Raises StartError when the database cannot be
    reached.
    """
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
            engine = choose_engine(connection)
            make_roles(connection)  # first, so that a migration may grant it something
    except psycopg.OperationalError as error:
        raise StartError(f"cannot reach the database: {error}") from error
    command.upgrade(alembic_config(database_url, engine), "head")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext('beatline migrate'))")
        if engine == TIMESCALEDB:
            set_retention_policy(connection, retention_days, archive=archive)
        let_roles(connection, passwords)
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
