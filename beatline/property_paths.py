"""Properties by name: `plan`, or the way to a nested one with dots, `address.city`. A backslash comes before
a dot that is part of a name."""

from __future__ import annotations

import re

LENGTH = 200
MOST_PARTS = 10
PART = re.compile(r"(?:[^.\\]|\\.)+", re.DOTALL)
WHOLE = re.compile(rf"{PART.pattern}(?:\.{PART.pattern})*", re.DOTALL)


def parse_path(text: str) -> tuple[str, ...]:
    """The names on the way. Raises ValueError with a sentence that says what is wrong."""
    if not 1 <= len(text) <= LENGTH:
        raise ValueError(f"Has to have 1 to {LENGTH} characters.")
    if "\0" in text:
        raise ValueError("Holds NUL.")
    if not WHOLE.fullmatch(text):
        raise ValueError("Names are divided by single dots; a dot in a name is written \\.")
    path = tuple(re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in PART.findall(text))
    if len(path) > MOST_PARTS:
        raise ValueError(f"Is deeper than {MOST_PARTS} names.")
    return path


def format_path(path: tuple[str, ...] | list[str]) -> str:
    """The name that parse_path takes for these parts."""
    return ".".join(re.sub(r"([.\\])", r"\\\1", part) for part in path)
