"""Every release sends through answers of 503, broken connections and lost answers: nothing is lost, nothing
is stored twice, and everything keeps its own time.
"""

from __future__ import annotations

from collections import Counter

import pytest
from psycopg import Connection

from tests.sdks.conftest import Finish
from tests.sdks.proxy import Fault
from tests.sdks.releases import ALL, LEAVING, Release
from tests.sdks.stored import assert_identity_and_time, by_type, canonical, event_id, read_rows

RETRYING = [release for release in ALL if release.retries]


@pytest.fixture
def finish(release: Release, request: pytest.FixtureRequest) -> Finish:
    """Waits for a release among all those that send at the same time."""
    finish: Finish = request.getfixturevalue("faulty_pages" if release.in_browser else "faulty_processes")
    return finish


@pytest.mark.parametrize("release", RETRYING, ids=lambda release: release.name)
def test_given_faults_then_every_event_is_stored_once(
    release: Release, finish: Finish, database: Connection
) -> None:
    run = finish(release)
    assert run.faults() == set(release.faults)
    assert Fault.LOSE_ANSWER not in release.faults or max(run.taken().values()) > 1
    rows = by_type(read_rows(database, run))
    assert set(rows) == {canonical(name) for name in release.calls - LEAVING}
    assert_identity_and_time(run, rows)


@pytest.mark.parametrize(
    "release", [release for release in ALL if not release.retries], ids=lambda release: release.name
)
def test_given_faults_and_an_sdk_that_never_retries_then_what_was_taken_is_stored_once(
    release: Release, finish: Finish, database: Connection
) -> None:
    run = finish(release)
    assert run.faults() == set(release.faults)
    stored = Counter(row["event_type"] for row in read_rows(database, run))
    if any(event_id(run, item) for item in run.sent().values()):
        assert stored == Counter(map(canonical, run.taken()))
    else:  # Plausible's trackers: an event that the browser itself sends again is another one
        assert stored == Counter({canonical(name): count for name, count in run.taken().items()})
