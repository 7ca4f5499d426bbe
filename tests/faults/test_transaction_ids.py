"""Why the ledger knows batches by ids of ours: PostgreSQL gives those of lost transactions to others."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import psycopg

from beatline.embedded import postgres

OPTIONS = {"autovacuum": "off", "shared_buffers": "16MB"}  # nobody else takes a transaction id
PAGE = 8_192  # of the write-ahead log: a full one is written to disk at any time


def transaction_id(connection: psycopg.Connection) -> int:
    """The id of the current transaction, which gets one now."""
    [row] = connection.execute("select pg_current_xact_id()::text::bigint").fetchall()
    return int(row[0])


def log_page(connection: psycopg.Connection) -> int:
    """The page of the write-ahead log that is being filled."""
    [row] = connection.execute("select pg_current_wal_insert_lsn() - '0/0'").fetchall()
    return int(row[0]) // PAGE


def insert_uncommitted(connection: psycopg.Connection) -> int:
    """Insert a row and leave the transaction open, with all that it logged in memory; gives its id."""
    while True:
        page = log_page(connection)
        given = transaction_id(connection)
        connection.execute("insert into numbers values (1)")
        if log_page(connection) == page:
            return given
        connection.rollback()


def test_the_id_of_a_lost_transaction_is_given_to_another_one(tmp_path: Path) -> None:
    server = postgres.start(tmp_path, options=OPTIONS)
    with closing(psycopg.connect(server.url)) as connection:
        connection.execute("create table numbers (number integer)")
        connection.commit()
        lost = insert_uncommitted(connection)
        os.kill(server.pid, signal.SIGKILL)
        server.stop()

    server = postgres.start(tmp_path, options=OPTIONS)
    with psycopg.connect(server.url) as connection:
        assert transaction_id(connection) == lost
        connection.execute("insert into numbers values (2)")
        connection.commit()
        status = connection.execute("select pg_xact_status(%s::text::xid8)", [lost]).fetchone()
        numbers = connection.execute("select number from numbers").fetchall()
    server.stop()

    assert status == ("committed",), "what asking about the lost transaction answers"
    assert numbers == [(2,)]
