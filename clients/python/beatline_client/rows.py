"""Where the rows of an upload come from: an iterable, or a file of which no more than a line is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Unreadable(NamedTuple):
    """A row that is none, and why."""

    reason: str


Row = Mapping[str, Any] | Unreadable


@dataclass(frozen=True)
class Rows:
    """Rows, and how far through them somebody is: percent takes the number of rows done, and is None when
    nobody knows how many there are."""

    rows: Iterable[Row]
    percent: Callable[[int], float | None]
    bytes_read: Callable[[], int] = lambda: 0
