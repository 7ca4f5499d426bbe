"""The yardstick for batches: a bare psycopg COPY into the same table, its triggers and index at work."""

from __future__ import annotations

import time
from collections.abc import Sequence

from psycopg import Connection

from loadtest.bench.workload import COPY, Row, batches


def copy(connection: Connection, rows: Sequence[Row], size: int) -> float:
    """COPY the rows, one transaction each `size` rows; how many rows a second."""
    started = time.perf_counter()
    for batch in batches(rows, size):
        with connection.transaction(), connection.cursor() as cursor, cursor.copy(COPY) as target:
            for row in batch:
                target.write_row(row)
    return len(rows) / (time.perf_counter() - started)
