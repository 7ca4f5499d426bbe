"""The operating system that a User-Agent names."""

from __future__ import annotations

from functools import lru_cache

import ua_parser

LONGEST = 500  # characters that are looked at
REMEMBERED = 10_000


def operating_system(user_agent: str) -> tuple[str | None, str | None]:
    """Name and version, as far as they can be told."""
    return parsed(user_agent[:LONGEST])


@lru_cache(REMEMBERED)
def parsed(user_agent: str) -> tuple[str | None, str | None]:
    """Name and version, remembered: the same few thousand come again and again."""
    found = ua_parser.parse_os(user_agent)
    if found is None:
        return None, None
    return found.family, ".".join(filter(None, (found.major, found.minor, found.patch))) or None
