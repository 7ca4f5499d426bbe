"""What a printed report holds, in words and numbers that are ready to be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A number to see at once. change: against the period before, in words; None without one."""

    name: str
    value: str
    change: str | None = None


@dataclass(frozen=True)
class Chart:
    """Series over the same labels, as lines or, where the labels have no order, as bars. None: no value."""

    title: str
    labels: list[str]
    series: dict[str, list[float | None]]
    bars: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text. numbers: the places of the columns that stand at the right."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Document:
    """A report for people: title, period and filters in words, when and of what it was made."""

    title: str
    period: str
    made: str
    filters: list[str]
    figures: list[Figure]
    charts: list[Chart]
    tables: list[Table]
    notes: list[str]
