"""One stack for all faults; each test finds it whole and idle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.stack import Stack


@pytest.fixture(scope="session")
def session_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, Valkey, collector and workers."""
    with Stack.running(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def stack(session_stack: Stack) -> Stack:
    """The same; what another test has left dead is started again."""
    session_stack.heal()
    return session_stack
