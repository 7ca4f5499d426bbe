"""`python -m loadtest.performance`: measure, keep the results, and make docs/performance.md of them."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from loadtest import stack
from loadtest.bench import machine
from loadtest.bench.__main__ import interrupt, temporary_folder
from loadtest.bench.services import ROOT, Bench
from loadtest.performance import document, results
from loadtest.performance.measurements import MEASUREMENTS

KEPT = ROOT / ".beatline" / "performance"
DOCUMENT = ROOT / "docs" / "performance.md"


@click.command()
@click.option(
    "--quick", is_flag=True, help="About three minutes, to try the harness; its figures say nothing."
)
@click.option("--only", multiple=True, type=click.Choice(list(MEASUREMENTS)), help="Measure just this.")
@click.option("--skip-measuring", is_flag=True, help="Make the document of the results that are there.")
@click.option(
    "--results", "kept", type=click.Path(file_okay=False, path_type=Path), help="Folder of the JSON files."
)
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Where the databases go.")
def main(
    quick: bool, only: Sequence[str], skip_measuring: bool, kept: Path | None, folder: Path | None
) -> None:
    """Measure Beatline on this machine and write the report. A quick one stays beside its results."""
    signal.signal(signal.SIGTERM, interrupt)
    logging.disable(logging.INFO)
    kept = kept or (KEPT.with_name("performance-quick") if quick else KEPT)
    if not skip_measuring:
        with temporary_folder(folder) as path, stack.servers(path, quick) as bench:
            measure(bench, kept, only or list(MEASUREMENTS))
    place = kept / "performance.md" if quick else DOCUMENT
    document.write(results.read(kept), place)
    print(place)


def measure(bench: Bench, kept: Path, names: Sequence[str]) -> None:
    """Run measurements and keep their results, each as soon as it is there."""
    about = [list(row) for row in machine.describe(bench.folder, bench.postgres_url).rows]
    about.append(["Statistics", "pg_stat_statements and track_io_timing are on, unlike in `make up`"])
    for name in names:
        print(f"Measuring {name} …", file=sys.stderr, flush=True)
        began = time.perf_counter()
        done = {known: result["data"] for known, result in results.read(kept).items()}
        data = MEASUREMENTS[name](bench, done)
        results.write(kept, name, data, machine=about, quick=bench.quick)
        print(f"  took {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
