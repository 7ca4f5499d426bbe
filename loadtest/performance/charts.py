"""The report's charts, each a pure function of results to SVG text.

The same results give the same bytes: ids are hashed with a fixed salt, and the metadata has no date. Text
stays text, in whatever sans-serif font the reader has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from loadtest.performance import goals

Data = Mapping[str, Any]
WIDTH = 7.6  # inches
STYLE: Any = {
    "svg.hashsalt": "beatline",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9a9a9a",
    "axes.labelcolor": "#444444",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "figure.facecolor": "white",
}
OURS, PALE = "#1f5fbf", "#b9bec6"
COLOURS = {  # one colour for a thing in every chart
    "durable": OURS, "no-op": "#8a8f98", "baseline": "#c8642a", "batches of 500": "#2b8a5a",
    "collector": OURS, "postgres": "#2b8a5a", "valkey": "#b8860b", "workers": "#8a4fa0", "live": "#c8642a",
}  # fmt: skip
MIB = 2**20


def drawn(figure: Figure) -> str:
    """A figure as SVG."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"[ \t]+\n", "\n", text.getvalue())


def panels(rows: int, height: float, **kwargs: Any) -> tuple[Figure, Sequence[Axes]]:
    """A figure with one panel above the other."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, 1, squeeze=False, **kwargs)
    return figure, [row[0] for row in axes]


def thousands(axis: Any) -> None:
    """Write an axis' numbers as 12,000."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def logarithmic(axes: Axes) -> None:
    """Give a panel of times a logarithmic scale: 1, 2, 5, 10, 20, …"""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def bars(axes: Axes, rows: Sequence[tuple[str, float]], unit: str, highlight: Sequence[str]) -> None:
    """Bars to the right, the first on top, each with its number; those to look at in our colour."""
    names, values = [name for name, _ in rows], [value for _, value in rows]
    colours = [OURS if name in highlight else PALE for name in names]
    drawn_bars = axes.barh(names, values, color=colours, height=0.62)
    axes.bar_label(drawn_bars, labels=[number(value) for value in values], padding=3, color="#222222")
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.14 * max([*values, 1e-9]))
    axes.set_xlabel(unit)
    thousands(axes.xaxis)


def number(value: float) -> str:
    """A number beside a bar."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def peers(data: Data) -> str:
    """Single events a second of each peer."""
    rows = [(name, goals.rate_of(data, name)) for name in data["ways"]]
    figure, [axes] = panels(1, 0.7 + 0.38 * len(rows))
    bars(axes, rows, "requests a second, median of the rounds", ["durable"])
    axes.set_title("Single events, as fast as 64 connections can")
    return drawn(figure)


def batch_sizes(data: Data) -> str:
    """Events a second by how many come in a request."""
    sizes = [(f"{each['size']:,} a request", each["events_a_second"]) for each in data["sizes"]]
    figure, [axes] = panels(1, 0.7 + 0.38 * len(sizes))
    bars(axes, sizes, "events a second", [name for name, _ in sizes])
    axes.set_title("What batches bring")
    return drawn(figure)


def ramp(data: Data) -> str:
    """p99 and answers a second by what arrives, for the peers whose requests are single events."""
    figure, [times, rates] = panels(2, 5.2, sharex=True)
    for name in ("no-op", "durable", "baseline"):
        stages = data["ramps"][name]["stages"]
        arrived = [stage["rate"] for stage in stages]
        times.plot(
            arrived,
            [stage["p99_ms"] for stage in stages],
            marker="o",
            ms=3.5,
            color=COLOURS[name],
            label=name,
        )
        rates.plot(
            arrived, [stage["done_a_second"] for stage in stages], marker="o", ms=3.5, color=COLOURS[name]
        )
        found = data["ramps"][name]["knee"]
        if found:
            times.plot(found["rate"], found["p99_ms"], marker="o", ms=10, mfc="none", color=COLOURS[name])
    logarithmic(times)
    slow = data["ramps"]["durable"]["slow_ms"]
    times.axhline(slow, color="#b00020", lw=0.9, ls=(0, (4, 3)))
    times.annotate(
        f"service level, {slow:g} ms", (1, slow), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", ha="right", color="#b00020",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip
    times.set_title("p99 in milliseconds; a ring is the knee")
    times.legend(loc="lower right", ncols=3)
    largest = max(stage["rate"] for ramp in data["ramps"].values() for stage in ramp["stages"])
    rates.plot([0, largest], [0, largest], color="#bbbbbb", lw=0.9, ls=(0, (2, 3)))
    rates.set_title("Answered a second meanwhile; dotted: all that arrives")
    rates.set_xlabel("requests that arrive a second, whether or not earlier ones were answered")
    for axis in (rates.xaxis, rates.yaxis):
        thousands(axis)
    return drawn(figure)


def cpu_per_event(data: Data) -> str:
    """Microseconds of processor time of an event, by part."""
    rows = sorted(goals.cpu_per_event(data["at_knee"]).items(), key=lambda row: -row[1])
    figure, [axes] = panels(1, 0.75 + 0.38 * len(rows))
    bars(axes, rows, "microseconds of processor time an event", [name for name, _ in rows])
    axes.set_title("Where an event's processor time goes, at the knee")
    return drawn(figure)


def overload(data: Data) -> str:
    """Answers and memory during an overload."""
    figure, [rates, memory] = panels(2, 4.4)
    done = data["done_in_second"]
    rates.plot(range(len(done)), done, color=OURS, label="answered with success")
    rates.axhline(data["knee_rate"], color="#8a8f98", lw=0.9, ls=(0, (4, 3)), label="the knee")
    rates.set_ylim(0, 1.15 * max([*done, data["knee_rate"]]))
    rates.set_title(f"Batches a second while {data['times']} times the knee arrives")
    rates.legend(loc="lower right", ncols=2)
    sizes = [size / MIB for size in data["usage"]["parts"]["collector"]["memory"]]
    memory.plot(range(len(sizes)), sizes, color=OURS)
    memory.axhline(data["memory_before"] / MIB, color="#8a8f98", lw=0.9, ls=(0, (4, 3)))
    memory.set_ylim(0, 1.15 * max(sizes))
    memory.set_title("MiB of memory of the collector; dashed: before")
    memory.set_xlabel("seconds, until the last request was answered or given up")
    return drawn(figure)


def timeline(data: Data, title: str) -> str:
    """Requests and their times over a shape, of the users that send events."""
    figure, [rates, times] = panels(2, 4.4, sharex=True)
    seconds = [each["second"] for each in data["timeline"]]
    rates.plot(seconds, [each["requests"] for each in data["timeline"]], color=OURS)
    rates.set_ylim(bottom=0)
    rates.set_title(f"{title}: requests with events a second")
    for name, colour in (("p99_ms", OURS), ("p50_ms", "#8a8f98")):
        times.plot(seconds, [each[name] for each in data["timeline"]], color=colour, label=name[:3], lw=1.1)
    logarithmic(times)
    times.set_title("Their times in milliseconds")
    times.legend(loc="upper right", ncols=2)
    times.set_xlabel("seconds")
    return drawn(figure)


def memory(data: Data) -> str:
    """Memory of every part over a soak."""
    figure, [axes] = panels(1, 3.2)
    for name, part in data["usage"]["parts"].items():
        sizes = [size / MIB for size in part["memory"]]
        minutes = [second / 60 for second in range(len(sizes))]
        axes.plot(
            minutes, sizes, color=COLOURS.get(name, "#555555"), label=f"{name}, {sizes[-1]:,.0f} at the end"
        )
    axes.set_ylim(bottom=0)
    axes.set_title("MiB of memory of all processes of a part")
    axes.set_xlabel("minutes")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return drawn(figure)


def flame(data: Data) -> str | None:
    """A flame graph of the sampled stacks, the outermost call at the bottom; None without stacks."""
    stacks = data["profile"]["stacks"]
    if not stacks:
        return None
    total = sum(samples for _, samples in stacks)
    boxes = sorted(flame_boxes(stacks).items())
    depth = 1 + max(len(path) for path, _ in boxes)
    figure, [axes] = panels(1, 0.5 + 0.2 * depth)
    axes.set_axis_off()
    axes.set_xlim(0, total)
    axes.set_ylim(0, depth - 1)
    for path, (left, width) in boxes:
        if width < 0.004 * total:
            continue
        colour = FLAMES[sum(map(ord, path[-1])) % len(FLAMES)]
        axes.barh(len(path) - 1, width, left=left, height=0.94, align="edge", color=colour, lw=0)
        letters = int(width / total * WIDTH * 17)
        label = path[-1] if len(path[-1]) <= letters else path[-1][: max(0, letters - 1)] + "…"
        if letters >= 5:
            axes.text(left + 0.002 * total, len(path) - 0.56, label, fontsize=6.4, va="center", clip_on=True)
    axes.set_title(f"Who holds the interpreter lock: {total:,} samples of one process of the collector")
    return drawn(figure)


FLAMES = ("#f2b36b", "#f0a35e", "#f4c27a", "#eb9660", "#f6cf8b")


def flame_boxes(stacks: Sequence[tuple[Sequence[str], int]]) -> dict[tuple[str, ...], tuple[int, int]]:
    """Left edge and width in samples of each call path; siblings lie in the order of their names."""
    boxes: dict[tuple[str, ...], tuple[int, int]] = {}
    at = 0
    for stack, samples in sorted((tuple(stack), samples) for stack, samples in stacks):
        for depth in range(1, len(stack) + 1):
            left, width = boxes.get(stack[:depth], (at, 0))
            boxes[stack[:depth]] = (left, width + samples)
        at += samples
    return boxes


def before_after(rows: Sequence[tuple[str, float, float]]) -> str:
    """How many times as much each optimisation brings."""
    figure, [axes] = panels(1, 0.75 + 0.38 * len(rows))
    ratios = [(name, after / before) for name, before, after in rows]
    bars(axes, ratios, "times as many a second as without it", [name for name, _ in ratios])
    axes.axvline(1, color="#222222", lw=0.9)
    axes.set_title("What each optimisation brings")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    return drawn(figure)


def optimisations(results: Mapping[str, Data]) -> list[tuple[str, float, float]]:
    """Name, rate without and rate with each optimisation that could be switched in a run."""
    rows: list[tuple[str, float, float]] = []
    if "peers" in results:
        durable = goals.rate_of(results["peers"], "durable")
        rows.append(("group commit", goals.rate_of(results["peers"], "no group commit"), durable))
        rows.append(("front door before Flask", goals.rate_of(results["peers"], "behind Flask"), durable))
    if "cache" in results:
        ways = results["cache"]["ways"]
        rows.append(
            ("cache of answers", ways["all the time, no cache"]["rate"], ways["all the time, cache"]["rate"])
        )
    return rows


CHARTS: dict[str, tuple[str, Callable[[Data], str | None]]] = {
    "peers": ("peers", peers),
    "batch-sizes": ("batch_sizes", batch_sizes),
    "ramp": ("knees", ramp),
    "cpu-per-event": ("knees", cpu_per_event),
    "flame": ("knees", flame),
    "overload": ("overload", overload),
    "spike": ("spike", lambda data: timeline(data, "Spike")),
    "soak-memory": ("soak", memory),
}


def all_charts(results: Mapping[str, Data]) -> dict[str, str]:
    """File name without suffix and SVG of every chart whose measurement is there."""
    with mpl.rc_context(STYLE):
        made = {name: draw(results[run]) for name, (run, draw) in CHARTS.items() if run in results}
        rows = optimisations(results)
        if rows:
            made["optimisations"] = before_after(rows)
    return {name: svg for name, svg in made.items() if svg}
