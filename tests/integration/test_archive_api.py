"""The days of the archive by the API."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from tests.fixtures.people import Tokens

ROW = """
    insert into archived_days (day, project_id, state, generation, events, bytes, checksum,
                               archived_at, verified_at)
    values (%s, %s, %s, 1, 5, 1000, 'ab', '2026-03-05 06:20Z', '2026-03-05 06:20Z')"""


@pytest.fixture
def days(connection: psycopg.Connection) -> None:
    """Three days of two projects."""
    for number in (2, 3, 4):
        connection.execute(ROW, [date(2026, 3, number), 1, "verified"])
        connection.execute(ROW, [date(2026, 3, number), 2, "stale"])


def test_days_are_paged_the_youngest_first(boss: Tokens, days: None) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = boss("GET", f"/api/v1/archive?limit=2{cursor and f'&cursor={cursor}'}").json
        seen += [(day["day"], day["project_id"]) for day in page["days"]]
        cursor = page["next_cursor"]

    assert seen == [(f"2026-03-0{day}", project) for day in (4, 3, 2) for project in (2, 1)]


@pytest.mark.parametrize(("chosen", "count"), [("project_id=1", 3), ("state=stale", 3), ("state=waiting", 0)])
def test_days_are_chosen_by_project_and_state(boss: Tokens, days: None, chosen: str, count: int) -> None:
    found = boss("GET", f"/api/v1/archive?{chosen}").json["days"]

    assert len(found) == count
    for day in found:
        assert (day["events"], day["bytes"]) == (5, 1_000)
        assert day["verified_at"].startswith("2026-03-05T06:20")


@pytest.mark.parametrize(
    "wrong", ["project_id=0", "state=lost", "limit=0", "limit=1001", "cursor=x", "day=1"]
)
def test_wrong_parameters_are_named(boss: Tokens, wrong: str) -> None:
    answer = boss("GET", f"/api/v1/archive?{wrong}")

    assert answer.status_code == 400
    assert wrong.split("=", maxsplit=1)[0] in str(answer.json["errors"])
