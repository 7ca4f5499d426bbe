"""`python -m tests.grafana.run <board> [setting]`: what Grafana would show, of seeded events."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from beatline.embedded import postgres
from beatline.storage.engine import POSTGRES
from beatline.storage.migrate import migrate
from tests.grafana.boards import boards, default_range, targets
from tests.grafana.reader import Reader, choices, reading
from tests.grafana.seed import NOW, seed


def main(board: str, setting: str = "as provisioned") -> None:
    """Print every frame of a board, or the error in its place."""
    with TemporaryDirectory() as folder:
        server = postgres.start(Path(folder), options={"fsync": "off"})
        try:
            migrate(server.url)
            with reading(POSTGRES, server.url, seed(server.url)) as reader:
                show(reader, board, setting)
        finally:
            server.stop()


def show(reader: Reader, board: str, setting: str) -> None:
    """Each target: its columns and first rows."""
    time_range = default_range(boards()[board], NOW)
    picked = choices(reader, board, time_range, setting)
    print(
        "variables", {name: each.value for name, each in reader.variables(board, time_range, picked).items()}
    )
    for target in targets():
        if target.board != board:
            continue
        print(f"\n{target} {target.panel['title']}")
        try:
            frame = reader.answer(target, time_range, picked)
        except Exception as error:  # whatever it is, the next target comes
            print(f"  {type(error).__name__}: {error}")
            continue
        print(f"  {frame.length} rows", [(each.name, each.kind, each.labels) for each in frame.columns])
        for row in frame.rows()[:5]:
            print("  ", *row, sep="  ")


if __name__ == "__main__":
    main(*sys.argv[1:])
