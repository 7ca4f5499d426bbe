"""The end of a load test: what its users were told, compared with what is stored."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

SQL = Path(__file__).with_name("sql")
KINDS = ("acknowledged", "sent", "shown")
FAULTS = {
    "lost": "acknowledged events are not stored",
    "doubled": "events are stored more than once",
    "unheard_of": "stored events were sent by nobody",
    "shown_only": "events were shown live and are not stored",
}


def audit(database_url: str, folder: Path, run: str, since: datetime) -> dict[str, int]:
    """Counts of what agrees and what does not (FAULTS), once all workers of the generator have ended.

    folder: where each of them wrote what it remembers. run: with which its keys begin; since: before it
    began.
    """
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute((SQL / "make_remembered.sql").read_text())
        with connection.cursor().copy("copy remembered (kind, id) from stdin") as copy:
            for kind in KINDS:
                for path in sorted(folder.glob(f"{kind}-*.txt")):
                    for line in path.read_text().splitlines():
                        copy.write_row((kind, line))
        found = connection.execute((SQL / "audit.sql").read_text(), {"run": run, "since": since}).fetchone()
    assert found
    return dict(found)


def faults(found: dict[str, int]) -> list[str]:
    """A sentence for each fault."""
    return [f"{found[name]} {sentence}" for name, sentence in FAULTS.items() if found[name]]
