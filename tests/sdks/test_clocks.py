"""Browsers whose clock the test has in hand: a wrong one, and one that runs ahead of the test."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection

from tests.sdks.conftest import OpenPage, Stack
from tests.sdks.releases import POSTHOG_BROWSERS, RUDDERSTACK, SEGMENT, Release
from tests.sdks.runs import check_strangers, stay
from tests.sdks.stored import assert_identity_and_time, by_type, read_rows

DAY = timedelta(days=1)
WITH_TIMES = [release for release in [*SEGMENT, *RUDDERSTACK, *POSTHOG_BROWSERS] if release.in_browser]


@pytest.mark.parametrize("release", WITH_TIMES, ids=lambda release: release.name)
def test_given_a_clock_that_is_a_day_behind_then_times_are_true_and_no_stranger_is_told(
    release: Release, stack: Stack, open_page: OpenPage, database: Connection
) -> None:
    with ExitStack() as closing:
        run = closing.enter_context(stack.run(release, "skewed"))
        open_page(run, closing, datetime.now(UTC) - DAY)
        stay(run)
        assert_identity_and_time(run, by_type(read_rows(database, run)), behind=DAY)
        run.opened.clock.run_for(60_000)  # analytics.js would tell Segment how it fares
        check_strangers(run)
