"""The TimescaleDB server of the tests: what clients may do with it, and that it leaves nobody behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest
from psycopg import Connection

STARTER = """
from tests.fixtures.timescale import wasm_server
with wasm_server() as server:
    print(server.process.pid, flush=True)
    input()
"""


@pytest.fixture
def numbers(timescale: Connection) -> Connection:
    """A connection to a database with a table."""
    timescale.execute("create table numbers (number integer, text text)")
    return timescale


@pytest.mark.parametrize("options", ["", "(format binary)"])
def test_rows_are_copied_in_and_out(numbers: Connection, options: str) -> None:
    with numbers.cursor().copy(f"copy numbers from stdin {options}") as copy:
        copy.set_types(["int4", "text"])
        for number in range(10_000):
            copy.write_row((number, "x" * 100))

    with numbers.cursor().copy("copy numbers to stdout") as copy:
        assert sum(1 for _ in copy.rows()) == 10_000


def test_a_failed_copy_is_an_error_and_the_connection_goes_on(numbers: Connection) -> None:
    with (
        pytest.raises(psycopg.errors.InvalidTextRepresentation),
        numbers.cursor().copy("copy numbers from stdin") as copy,
    ):
        copy.write("no number\tx\n")

    assert numbers.execute("select count(*) from numbers").fetchone() == (0,)


def test_a_message_may_be_large(numbers: Connection) -> None:
    numbers.execute("insert into numbers values (1, %s)", ["x" * 10_000_000])

    assert numbers.execute("select length(text) from numbers").fetchone() == (10_000_000,)


def test_an_error_in_a_pipeline_undoes_it(numbers: Connection) -> None:
    def fill() -> None:
        with numbers.pipeline():
            numbers.execute("insert into numbers values (1)")
            numbers.execute("select 1 / %s", [0])
            numbers.execute("insert into numbers values (2)")

    with pytest.raises(psycopg.errors.DivisionByZero):
        fill()

    assert numbers.execute("select count(*) from numbers").fetchone() == (0,)


def test_connections_take_turns(timescale_url: str, numbers: Connection) -> None:
    def add(number: int) -> None:
        with psycopg.connect(timescale_url, prepare_threshold=0) as connection:
            for _ in range(10):
                connection.execute("insert into numbers values (%s)", [number])
                connection.execute("select count(*) from numbers where number = %s", [number])
                connection.rollback() if number % 2 else connection.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))

    counted = numbers.execute("select number, count(*) from numbers group by number order by number")
    assert counted.fetchall() == [(0, 10), (2, 10), (4, 10), (6, 10)]


def test_a_connection_that_breaks_leaves_no_transaction(timescale_url: str, numbers: Connection) -> None:
    connection = psycopg.connect(timescale_url)
    connection.execute("insert into numbers values (1)")
    connection.pgconn.finish()

    assert numbers.execute("select count(*) from numbers").fetchone() == (0,)


def test_the_server_ends_when_its_starter_is_killed() -> None:
    command = [sys.executable, "-c", STARTER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=psutil.Process().cwd()
    ) as starter:
        assert starter.stdout is not None
        server = psutil.Process(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)

    server.wait(timeout=10)
