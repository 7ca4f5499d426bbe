"""`make loadtest`: every kind of user against the whole stack for a minute; exit code 1 when anything is
wrong."""

from __future__ import annotations

import json
import logging
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from loadtest import locust_process, seeding, shapes, stack, thresholds
from loadtest.bench.__main__ import interrupt
from loadtest.bench.report import Table, markdown_table


@click.command()
@click.option("--shape", type=click.Choice(list(shapes.SHAPES)), default="short", show_default=True)
@click.option("--share", default=1.0, show_default=True, help="Of the shape's time.")
@click.option(
    "--events-a-day", default=seeding.EVENTS_A_DAY, show_default=True, help="Of the seeded history."
)
@click.option("--expect-more", default=0, help="Expect so many events a day too many: this has to fail.")
@click.option("--results", type=click.Path(dir_okay=False, path_type=Path), help="Write them there, as JSON.")
def main(shape: str, share: float, events_a_day: int, expect_more: int, results: Path | None) -> None:
    """Start the stack, let all users loose on it, and compare what they saw with what is true."""
    signal.signal(signal.SIGTERM, interrupt)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="beatline-loadtest-") as name:
        folder = Path(name)
        with (
            stack.servers(folder, quick=False) as bench,
            stack.whole(bench, "loadtest", events_a_day) as target,
        ):
            target.expected["by_type_a_day"]["click"] += expect_more
            stages = shapes.shortened(shapes.SHAPES[shape], share)
            found = locust_process.run("loadtest", stages, target, folder / "locust", thresholds.read())
    if results:
        results.write_text(json.dumps(found))
    print(summary(found))
    sys.exit(1 if found["breaches"] else 0)


def summary(found: dict[str, Any]) -> str:
    """What came of it, for a terminal."""
    columns = ["request", "requests", "failed", "p50 ms", "p95 ms", "p99 ms", "max ms"]
    rows = [
        [
            each["name"], f"{each['requests']:,}", f"{each['failed_share']:.1%}",
            *(f"{each[time]:.0f}" for time in ("p50_ms", "p95_ms", "p99_ms", "max_ms")),
        ]
        for each in found["requests"]
    ]  # fmt: skip
    lines = [markdown_table(Table(columns, rows)), ""]
    lines += [f"{error['count']} times {error['name']}: {error['error']}" for error in found["errors"]]
    lines.append(", ".join(f"{name} {count:,}" for name, count in found["audit"].items()))
    if found["generator"]["busy"]:
        lines.append("The load generator was the bottleneck: the times are its own, not Beatline's.")
    lines += [f"NOT KEPT: {sentence}" for sentence in found["breaches"]] or ["Everything was kept to."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
