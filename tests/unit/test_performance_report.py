"""The performance report: knees, goals, profiles, and the document that is made of results."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from loadtest.performance import charts, database, document, goals, knee, profile, results
from loadtest.performance.misses import misses
from loadtest.performance.sampling import sampled
from loadtest.performance.sections import SECTIONS
from tests.compose.compose_file import raw_compose
from tests.fixtures import performance
from tests.fixtures.performance import MIB, part, stage


@pytest.mark.parametrize(
    ("stages", "rate"),
    [
        ([stage(10, 5), stage(20, 99), stage(30, 101)], 20),
        ([stage(10, 5), stage(20, 5, 0.97), stage(30, 5)], 10),
        ([stage(10, 5), stage(100, 5, 0.98), stage(300, None, 0)], 100),
        ([stage(10, 5), stage(20, 100)], 20),
        ([stage(10, 101), stage(20, 5)], None),
        ([stage(10, None, 0)], None),
        ([], None),
    ],
)
def test_given_a_ramp_then_the_knee_is_the_last_stage_that_keeps_up(
    stages: list[dict[str, Any]], rate: float | None
) -> None:
    found = knee.knee(stages)

    assert (found["rate"] if found else None) == rate


def test_given_a_ramp_that_ends_before_the_knee_then_that_is_said() -> None:
    assert not knee.was_reached([stage(10, 5), stage(20, 5)])
    assert knee.was_reached([stage(10, 5), stage(20, 500)])


@pytest.mark.parametrize(
    ("cores", "busy", "words"),
    [
        (
            {"collector": 1.0, "postgres": 0.7},
            0.93,
            "processors, 93% busy; most of their time goes to: collector",
        ),
        ({"collector": 0.5, "postgres": 1.2}, 0.93, "goes to: postgres (1.20 cores)"),
        ({"collector": 1.9, "postgres": 0.7}, 0.5, "the collector's 2 processes"),
        ({"collector": 0.4, "postgres": 0.7}, 0.5, "waiting: the processors are 50% busy"),
    ],
)
def test_given_what_is_used_at_the_knee_then_the_bottleneck_is_named(
    cores: dict[str, float], busy: float, words: str
) -> None:
    parts = {name: part(used, [1]) for name, used in cores.items()}

    assert words in knee.bottleneck(parts, busy, processors=2, processes=2)


def test_given_results_then_every_goal_is_judged_by_them() -> None:
    found = [(verdict.measured, verdict.reached) for verdict in goals.verdicts(performance.measured())]

    assert found == [
        ("0.7", True),  # the median of 70/100, 140/200 and 180/300
        ("0.9", True),
        ("14", True),  # of 14, 14 and 6
        ("7", True),  # of 7, 7 and 3
        ("2.5", True),  # of 12/6 and 30/10
        ("1.3", False),
        ("150 MiB, then 150 MiB", True),
        ("98.9 %", False),  # 900 of the 910 that had no success were told
        ("0.90", True),
        ("1.010", True),
        ("15000 µs", True),  # 15 s for a thousand events
    ]


@pytest.mark.parametrize(
    ("memory", "bounded"),
    [([500, 600, 620, 400], True), ([300, 300, 300, 330], False), ([600, 650, 500, 500], False)],
)
def test_given_memory_in_an_overload_then_it_is_to_stay_within_its_limit_and_not_to_grow(
    memory: list[int], bounded: bool
) -> None:
    found = {"usage": performance.usage(collector=part(1.0, memory))}

    assert goals.memory_judged(found)[1] is bounded


def test_the_limit_of_memory_is_that_of_the_compose_file() -> None:
    limit = raw_compose()["services"]["collector"]["mem_limit"]

    assert limit == f"{goals.COLLECTOR_MEMORY // goals.MIB}m"


def test_given_missed_goals_of_single_events_then_each_has_its_reason() -> None:
    found = performance.measured()
    assert misses(found) == ["No goal of single events was missed."]

    found["peers"]["ways"]["durable"] = performance.peer(20, 20, 20)
    found["knees"]["half"]["no-op"] = [stage(500, 1), stage(500, 1)]
    no_op, careful, tail = misses(found)

    assert no_op.startswith("**÷ no-op.** ")
    assert "answers 10.0 times as many requests" in careful
    assert "12, 30 ms" in tail
    assert "30% was" in tail


def test_given_no_results_then_no_goal_counts_as_reached() -> None:
    assert {verdict.reached for verdict in goals.verdicts({})} == {None}


@pytest.mark.parametrize(
    ("memory", "ratio"),
    [([50, 100, 100, 100], 1.0), ([100] * 8 + [120] * 8, 1.2), ([10, 10, 100, 100, 100, 100, 50, 50], 0.5)],
)
def test_given_memory_over_a_soak_then_its_end_is_compared_with_its_second_quarter(
    memory: list[int], ratio: float
) -> None:
    assert goals.flatness(memory) == ratio


def test_given_all_results_then_the_document_has_every_section_with_its_run_and_every_chart() -> None:
    text = document.document(performance.results())

    for title, runs, _ in SECTIONS:
        section = text.split(f"## {title}\n")[1].split("\n## ")[0]
        assert all(f"run `{run}` of 2026-01-02 03:04 UTC" in section for run in runs)
    assert "**missed**" in text
    assert "quick run" not in text
    assert all(f"(performance/{name}.svg)" in text for name in (*charts.CHARTS, "optimisations"))
    assert "Abacus" in text


def test_given_a_quick_run_then_the_document_says_that_its_figures_say_nothing() -> None:
    assert document.QUICK in document.document(performance.results(quick=True))


@pytest.mark.parametrize("missing", performance.measured())
def test_given_a_measurement_is_missing_then_the_rest_is_written(missing: str) -> None:
    kept = {name: result for name, result in performance.results().items() if name != missing}

    text = document.document(kept)

    assert f"run `{missing}`" not in text


def test_given_the_same_results_twice_then_document_and_charts_are_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        document.write(performance.results(), tmp_path / folder / "performance.md")

    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).rglob("*.*")} for folder in ("a", "b")
    )
    assert first == second
    assert set(first) == {"performance.md", *(f"{name}.svg" for name in (*charts.CHARTS, "optimisations"))}
    assert not any(b"<dc:date>" in text for text in first.values())


def test_given_a_chart_that_is_no_more_then_it_is_removed(tmp_path: Path) -> None:
    old = tmp_path / "performance" / "old.svg"
    old.parent.mkdir()
    old.write_text("<svg/>")

    document.write({"peers": performance.results()["peers"]}, tmp_path / "performance.md")

    assert not old.exists()


def test_given_no_profile_then_the_document_says_why() -> None:
    found = performance.results()
    found["knees"]["data"]["profile"] = {"stacks": [], "error": "Permission denied", "seconds": 5}

    text = document.document(found)

    assert "No profile: py-spy may not look at processes here (Permission denied)." in text
    assert charts.flame(found["knees"]["data"]) is None


def test_given_results_then_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    results.write(tmp_path, "peers", {"ways": {}}, machine=[["CPU", "x"]], quick=True)

    [(name, found)] = results.read(tmp_path).items()
    assert (name, found["data"], found["quick"]) == ("peers", {"ways": {}}, True)
    assert found["machine"] == [["CPU", "x"]]


RAW = """\
process 7:"python";Thread.run (/usr/lib/python3.11/threading.py:9);flush (/x/site-packages/a/b.py:3) 5
Thread.run (/usr/lib/python3.11/threading.py:12);flush (/x/site-packages/a/b.py:4) 2
wait (beatline/storage/writer.py:86) 1
"""


def test_given_stacks_of_py_spy_then_lines_and_places_of_installation_are_left_out() -> None:
    stacks = profile.read(RAW)

    assert stacks == Counter(
        {("Thread.run (threading.py)", "flush (a/b.py)"): 7, ("wait (beatline/storage/writer.py)",): 1}
    )
    assert profile.own_time(stacks.most_common(), 1) == [("flush (a/b.py)", 7 / 8)]


def test_given_stacks_then_boxes_of_the_flame_graph_lie_upon_their_callers() -> None:
    boxes = charts.flame_boxes([(["a", "b"], 2), (["a", "c"], 3), (["d"], 1)])

    assert boxes == {("a",): (0, 5), ("a", "b"): (0, 2), ("a", "c"): (2, 3), ("d",): (5, 1)}


def test_given_two_snapshots_then_statements_are_what_was_done_in_between() -> None:
    def row(query: str, calls: int, ms: float) -> dict[str, Any]:
        return {"query": query, "calls": calls, "ms": ms, "rows": 0, "wal_bytes": 0}

    before = {"server": {"xact_commit": 5}, "statements": {"1": row("select 1", 10, 3.0)}}
    after = {
        "server": {"xact_commit": 8},
        "statements": {
            "1": row("select 1", 12, 4.0),
            "2": row("select\n  2", 1, 9.0),
            "3": row("select from pg_stat_database", 1, 99.0),
        },
    }

    found = database.difference(before, after)

    assert found["server"] == {"xact_commit": 3}
    assert [(one["query"], one["calls"], one["ms"]) for one in found["statements"]] == [
        ("select 2", 1, 9.0),
        ("select 1", 2, 1.0),
    ]


def test_given_a_busy_process_then_its_processor_time_and_memory_are_sampled() -> None:
    with sampled({"me": os.getpid()}) as found:
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass

    me = found["parts"]["me"]
    assert 0.25 < me["cpu_seconds"] < 5
    assert me["cores"] == pytest.approx(me["cpu_seconds"] / found["seconds"])
    assert min(me["memory"]) > MIB
