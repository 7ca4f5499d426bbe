"""`make chaos`; exit code 1 when anything that was promised is lost or doubled."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import click

from loadtest.bench.report import Table, markdown_table
from tests.faults.chaos.memory import MIB, limits
from tests.faults.chaos.run import Outcome, run

LOG = Path(".beatline") / "chaos.log"
COLUMNS = ["at s", "fault", "lasted s", "acknowledged", "refused", "answering after s", "caught up after s"]


@click.command()
@click.option("--seed", default=1, show_default=True, help="From which the plan and the load follow.")
@click.option("--quick", is_flag=True, help="Some of the faults, and shortly.")
def main(seed: int, quick: bool) -> None:
    """Apply a plan of faults to a stack under load, and look whether every promise was kept."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="beatline-chaos-") as folder, output_to(LOG) as terminal:
        say = partial(print, file=terminal, flush=True)
        outcome = run(Path(folder), seed, quick, say)
    print(summary(outcome, seed, time.monotonic() - began))
    sys.exit(1 if outcome.losses else 0)


@contextmanager
def output_to(path: Path) -> Iterator[IO[str]]:
    """Let everything that this process and its children print go to a file; the terminal as it was."""
    path.parent.mkdir(exist_ok=True)
    sys.stdout.flush()
    with path.open("wb") as log, os.fdopen(os.dup(1), "w") as terminal:
        print(f"What the processes print goes to {path}.", file=terminal, flush=True)
        errors = os.dup(2)
        try:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            yield terminal
        finally:
            os.dup2(terminal.fileno(), 1)
            os.dup2(errors, 2)
            os.close(errors)


def summary(outcome: Outcome, seed: int, seconds: float) -> str:
    """What happened, as Markdown."""
    rows = [
        [
            f"{each.at:.0f}", each.step.name, f"{each.lasted:.1f}", f"{each.acknowledged:,}",
            f"{each.refused:,}", f"{each.answering_after:.1f}", f"{each.caught_up_after:.1f}",
        ]
        for each in outcome.played
    ]  # fmt: skip
    allowed = limits()
    parts = [
        [part, f"{most / MIB:.0f}", f"{allowed[part] / MIB:.0f}" if part in allowed else ""]
        for part, most in sorted(outcome.memory.items())
    ]
    promised = ", ".join(f"{count:,} {what}" for what, count in outcome.counts.items())
    return "\n".join([
        f"Seed {seed}, {seconds:.0f} s: {promised}.", "",
        markdown_table(Table(COLUMNS, rows)), "",
        markdown_table(Table(["part", "most memory MiB", "may have MiB"], parts)), "",
        *([f"LOST: {loss}" for loss in outcome.losses] or ["Nothing was lost, nothing was doubled."]),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
