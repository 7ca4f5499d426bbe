"""What a measurement reports, and the Markdown that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

BAR_WIDTH = 40
BAR_PARTS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True)
class Table:
    """Columns, and rows of the same length; numbers become text here already."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Bar:
    """One bar of a chart."""

    label: str
    value: float


@dataclass(frozen=True)
class Goal:
    """What was wanted of a figure, as at least or at most a bound, and what came of it."""

    what: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure keeps within its bounds."""
        low = self.at_least is None or self.measured >= self.at_least
        return low and (self.at_most is None or self.measured <= self.at_most)

    @property
    def wanted(self) -> str:
        """The bound in words."""
        low = f"at least {self.at_least:g}" if self.at_least is not None else ""
        return low or f"at most {self.at_most:g}"


@dataclass(frozen=True)
class Section:
    """One measurement: what was done, its figures, and how they compare with their goals."""

    title: str
    about: str
    table: Table
    reading: str
    bars: Sequence[Bar] = ()
    goals: Sequence[Goal] = field(default_factory=tuple)


def document(sections: Sequence[Section], machine: Table, command: str) -> str:
    """The whole of docs/benchmarks.md."""
    goals = [goal for section in sections for goal in section.goals]
    parts = [
        "# Benchmarks",
        f"Written by `{command}`; do not edit. All figures are of one run on one machine, which "
        "client, collector and database share. Absolute figures say as much about the machine as "
        "about Beatline: compare the ratios, each of which has both sides measured in turns in "
        "the same run.",
        "## Goals",
        goal_table(goals),
        "## Machine",
        markdown_table(machine),
        *(markdown(section) for section in sections),
    ]
    return "\n\n".join(parts) + "\n"


def markdown(section: Section) -> str:
    """One section with its table, its chart and its goals."""
    parts = [f"## {section.title}", section.about, markdown_table(section.table)]
    if section.bars:
        parts.append(chart(section.bars))
    parts.append(section.reading)
    parts += [sentence(goal) for goal in section.goals]
    return "\n\n".join(parts)


def goal_table(goals: Sequence[Goal]) -> str:
    """All goals with their figures."""
    rows = [
        [goal.what, goal.wanted, f"{goal.measured:.2f}", "met" if goal.met else "**not met**"]
        for goal in goals
    ]
    return markdown_table(Table(["goal", "wanted", "measured", ""], rows))


def sentence(goal: Goal) -> str:
    """A goal in plain words."""
    verdict = "Met" if goal.met else "**Not met**"
    return f"{verdict}: {goal.what} is {goal.measured:.2f}, wanted {goal.wanted}."


def markdown_table(table: Table) -> str:
    """A Markdown table; all but the first column are aligned to the right."""
    rule = ["---"] + ["---:"] * (len(table.columns) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in (table.columns, rule, *table.rows))


def chart(bars: Sequence[Bar]) -> str:
    """A bar chart in a code block, the longest bar BAR_WIDTH wide."""
    largest = max(bar.value for bar in bars) or 1.0
    width = max(len(bar.label) for bar in bars)
    lines = [f"{bar.label:<{width}} {drawn(bar.value / largest)} {thousands(bar.value)}" for bar in bars]
    return "\n".join(["```text", *lines, "```"])


def drawn(share: float) -> str:
    """A bar of this share of BAR_WIDTH, to an eighth of a character."""
    eighths = round(share * BAR_WIDTH * 8)
    return "█" * (eighths // 8) + BAR_PARTS[eighths % 8].strip()


def thousands(value: float) -> str:
    """A number to read: 12,345."""
    return f"{value:,.0f}"


def milliseconds(value: float) -> str:
    """A time to read, in milliseconds."""
    return f"{value:.1f}"
