"""One stack for all faults; each test finds and leaves it whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, Valkey, collector and workers."""
    stack = Stack(tmp_path_factory.mktemp("stack"))
    yield stack
    stack.stop()
