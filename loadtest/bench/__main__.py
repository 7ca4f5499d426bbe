"""`python -m loadtest.bench`: run the benchmarks and write docs/benchmarks.md."""

from __future__ import annotations

import logging
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from loadtest.bench import (
    batches,
    cache,
    concurrent_writers,
    event_log,
    exports,
    imports,
    index_costs,
    live,
    machine,
    rate_limits,
    reports,
    rolling_windows,
    single_events,
    watches,
)
from loadtest.bench.report import Section, document, goal_table, markdown, markdown_table
from loadtest.bench.services import ROOT, Bench, services

MEASUREMENTS: dict[str, Callable[[Bench], Section]] = {
    "single_events": single_events.measure,
    "batches": batches.measure,
    "rolling_windows": rolling_windows.measure,
    "cache": cache.measure,
    "concurrent_writers": concurrent_writers.measure,
    "index_costs": index_costs.measure,
    "live": live.measure,
    "imports": imports.measure,
    "rate_limits": rate_limits.measure,
    "event_log": event_log.measure,
    "exports": exports.measure,
    "reports": reports.measure,
    "watches": watches.measure,
}
DOCUMENT = ROOT / "docs" / "benchmarks.md"
COMMAND = "make bench"


@click.command()
@click.option("--quick", is_flag=True, help="A tenth of the sizes: tries the harness, says nothing.")
@click.option("--only", multiple=True, type=click.Choice(list(MEASUREMENTS)), help="Just this one.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Where the data goes.")
def main(quick: bool, only: Sequence[str], folder: Path | None) -> None:
    """Measure Beatline on this machine.

    Everything is printed; docs/benchmarks.md is written by a whole run only. Needs some 8 GB of disk.
    """
    signal.signal(signal.SIGTERM, interrupt)
    logging.disable(logging.INFO)
    with temporary_folder(folder) as path, services(path, quick) as bench:
        table = machine.describe(path, bench.postgres_url)
        print(markdown_table(table), flush=True)
        sections = [measured(bench, name) for name in only or MEASUREMENTS]
    print(goal_table([goal for section in sections for goal in section.goals]))
    if not quick and not only:
        DOCUMENT.write_text(document(sections, table, COMMAND))


def measured(bench: Bench, name: str) -> Section:
    """Run one measurement and print what came of it."""
    print(f"Measuring {name} …", file=sys.stderr, flush=True)
    section = MEASUREMENTS[name](bench)
    print("\n" + markdown(section) + "\n", flush=True)
    return section


@contextmanager
def temporary_folder(parent: Path | None) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="beatline-bench-", dir=parent) as name:
        yield Path(name)


def interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that nothing is left running."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
