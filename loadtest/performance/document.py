"""docs/performance.md out of the results: pure functions, so that the same results make the same document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtest.performance import charts, goals
from loadtest.performance.results import Result
from loadtest.performance.sections import CHARTS, SECTIONS, Results, table

TITLE = """\
# Performance

Written by `make report`; do not edit. What Beatline carries on one small machine, where it stops, what
gives in first, and what that means for the size of yours. Client, services and database share the machine,
so absolute figures say as much about it as about Beatline: compare the ratios, whose sides were measured
in turns in the same run. Every section names the run that made its figures. [benchmarks.md](benchmarks.md)
measures single parts; `make chaos` has what faults do."""
QUICK = "**A quick run, to try the harness: its figures say nothing.**"
WORDS = {True: "reached", False: "**missed**", None: "not measured"}


def write(results: Mapping[str, Result], place: Path) -> None:
    """Write the document and its charts, and remove charts that are not made any more."""
    folder = place.parent / CHARTS
    folder.mkdir(parents=True, exist_ok=True)
    made = charts.all_charts(data_of(results))
    for old in folder.glob("*.svg"):
        if old.stem not in made:
            old.unlink()
    for name, svg in made.items():
        (folder / f"{name}.svg").write_text(svg)
    place.write_text(document(results))


def data_of(results: Mapping[str, Result]) -> Results:
    """What each measurement found, without when and where."""
    return {name: result["data"] for name, result in results.items()}


def document(results: Mapping[str, Result]) -> str:
    """The whole text, with a section for each measurement that is there."""
    data = data_of(results)
    parts = [TITLE]
    if any(result["quick"] for result in results.values()):
        parts.append(QUICK)
    parts += ["## Goals", goal_table(data), "## Machine", machine(results)]
    for title, runs, paragraphs in SECTIONS:
        if all(run in results for run in runs):
            parts += [f"## {title}", *paragraphs(data), named_runs(results, runs)]
    return "\n\n".join(parts) + "\n"


def named_runs(results: Mapping[str, Result], runs: Sequence[str]) -> str:
    """Which runs made the figures of a section."""
    return "_Made by " + ", ".join(f"run `{name}` of {results[name]['ended']}" for name in runs) + "._"


def goal_table(data: Results) -> str:
    """What was wanted, and whether it was reached."""
    rows = [
        [verdict.what, verdict.wanted, verdict.measured, WORDS[verdict.reached], f"`{verdict.run}`"]
        for verdict in goals.verdicts(data)
    ]
    return table(["what", "goal", "measured", "", "run"], rows)


def machine(results: Mapping[str, Result]) -> str:
    """The machine of the latest run; runs of another one are named."""
    latest = max(results.values(), key=lambda result: str(result["ended"]))
    text = table(["what", "value"], [row for row in latest["machine"] if row[0] != "Date"])
    others = sorted(name for name, result in results.items() if lasting(result) != lasting(latest))
    return text + (f"\n\nOn another machine, or with other releases: {', '.join(others)}." if others else "")


def lasting(result: Result) -> list[list[str]]:
    """What of a machine's description is the same in each of its runs."""
    return [row for row in result["machine"] if row[0] not in ("Date", "Disk")]
