"""Files of events and reports in the console, over a real collector: asked for, made, downloaded."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect
from pyarrow import parquet

from beatline.accounts.access import Role
from beatline.settings import Settings
from tests.fixtures.consoles import LOOKS, Browse, Console, accessibility_faults, fits, keep_picture
from workers.exports import run_export

BOSS, ANALYST, VIEWER = "boss@example.com", "ann@example.com", "vera@example.com"
ATTACK = "<img src=x onerror=\"window.attacked='yes'\">"
EVENTS, TYPES, DAYS = 10, 3, 3
REPORT = f"/reports/new?period=last-{DAYS}-day&group=event_type&zone=UTC"
OPEN_ONES = "select export_id from exports where state = 'waiting' order by requested_at"
Work = Callable[[], None]


@pytest.fixture(scope="module")
def people(console: Console) -> None:
    """People of each role in the first project, and events of yesterday."""
    for email, role in ((ANALYST, Role.ANALYST), (VIEWER, Role.VIEWER)):
        console.join(email, role, 1)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    types = ["page_view"] * 6 + ["buy"] * 3 + [ATTACK]
    events = [
        {"event_type": name, "user_id": f"u{number}", "timestamp": yesterday}
        for number, name in enumerate(types)
    ]
    answer = httpx.post(f"{console.url}/api/v1/analytics/batch/", json={"events": events}, timeout=30)
    assert answer.json() == {"accepted": len(events), "rejected": []}, answer.text


pytestmark = pytest.mark.usefixtures("people")


@pytest.fixture
def work(console: Console, redis_url: str) -> Work:
    """Has the workers make what is waiting."""

    def make() -> None:
        settings = Settings(database_url=console.database_url, redis_url=redis_url, data=console.data)
        with psycopg.connect(console.database_url) as connection:
            waiting = connection.execute(OPEN_ONES).fetchall()
        for (export_id,) in waiting:
            run_export(settings, str(export_id), datetime.now(UTC))

    return make


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def told(page: Page) -> Locator:
    return page.locator(".toasts")


def export(page: Page, choice: str, group: str | None = None) -> None:
    """Choose a format of the menu, and follow the notice to the downloads."""
    page.get_by_role("button", name="Export", exact=True).click()
    place = page.get_by_role("group", name=group) if group else page
    place.get_by_role("button", name=choice).click()
    told(page).get_by_role("link", name="Downloads").click()
    expect(page.get_by_role("heading", name="Downloads")).to_be_visible()


def downloaded(page: Page, shown: Locator) -> Path:
    with page.expect_download() as download:
        shown.get_by_role("button", name="Download").click()
    return Path(download.value.path())


def changed(console: Console, change: str) -> None:
    """Make the newest export another one than it is."""
    statement = f"""
        update exports set {change}
        where export_id = (select export_id from exports order by requested_at desc limit 1)"""
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        assert connection.execute(statement).rowcount == 1


def test_given_a_report_then_its_file_is_made_and_downloaded_as_a_whole(
    browse: Browse, console: Console, work: Work
) -> None:
    page = browse(REPORT, ANALYST, timezone_id="UTC")
    title = "Events per day, by event type"
    expect(page.get_by_role("region", name=title)).to_be_visible()
    export(page, "CSV")
    expect(page).to_have_url(f"{console.url}/reports/downloads")
    mine = row(page, title)
    expect(mine).to_contain_text("A worker takes it soon")
    work()
    expect(mine).to_contain_text("done")  # without loading the page anew
    head, *rows = csv.reader(downloaded(page, mine).read_text().splitlines())
    assert len(rows) == DAYS * TYPES
    assert sum(int(each[head.index("count")]) for each in rows) == EVENTS
    mine.get_by_role("button", name="Details").click()
    page.get_by_role("link", name="Ask the same now").click()
    expect(page.get_by_role("region", name=title)).to_be_visible()
    expect(page).to_have_url(re.compile(f"period=last-{DAYS}-day"))


def test_given_events_that_pass_a_filter_then_just_those_are_in_the_file(
    browse: Browse, console: Console, work: Work
) -> None:
    page = browse("/event-log?last=7d&event_type=buy", ANALYST)
    export(page, "Parquet", "Export as file")
    work()
    mine = row(page, "Parquet")
    expect(mine).to_contain_text("3 rows")
    table = parquet.read_table(downloaded(page, mine))
    assert table.column("event_type").to_pylist() == ["buy"] * 3
    mine.get_by_role("button", name="Details").click()
    expect(page.get_by_text("Type buy from")).to_be_visible()
    page.get_by_role("link", name="Show them").click()
    expect(page).to_have_url(re.compile("event_type=buy"))
    expect(page.get_by_text("3 events, the newest first")).to_be_visible()


def test_given_an_export_that_runs_then_it_shows_how_far_it_is_and_can_be_stopped_and_deleted(
    browse: Browse, console: Console
) -> None:
    page = browse("/event-log", BOSS)
    export(page, "NDJSON", "Export as file")
    running = (
        "state = 'running', attempts = 1, started_at = now(), heartbeat_at = now(), rows_expected = 2000"
    )
    changed(console, f"{running}, rows_written = 820")
    mine = row(page, "NDJSON").first
    expect(mine.get_by_role("progressbar")).to_have_js_property("value", 41)
    expect(mine).to_contain_text("41 % · 820 rows")
    changed(console, "rows_written = 1500")
    expect(mine).to_contain_text("75 % · 1,500 rows")
    mine.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(mine).to_contain_text("cancelled")
    expect(mine.get_by_role("progressbar")).to_have_count(0)
    shown = row(page, "NDJSON").count()
    mine.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(page, "NDJSON")).to_have_count(shown - 1)


def test_given_an_export_that_failed_or_whose_file_is_gone_then_it_says_so(
    browse: Browse, console: Console, work: Work
) -> None:
    page = browse(f"{REPORT}&measure=users", BOSS)
    export(page, "PDF")
    changed(
        console,
        "state = 'failed', attempts = 5, ended_at = now(), error = 'The disk of the workers is full.'",
    )
    failed = row(page, "Users per day")
    expect(failed).to_contain_text("The disk of the workers is full.")
    expect(failed.get_by_role("button", name="Download")).to_have_count(0)

    page.goto(f"{console.url}{REPORT}&measure=sessions")
    export(page, "NDJSON")
    work()
    expect(row(page, "Sessions per day")).to_contain_text("done")
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        connection.execute("delete from exports where request->>'name' like 'Sessions%%'")
    row(page, "Sessions per day").get_by_role("button", name="Download").click()
    expect(told(page)).to_contain_text("There is no file to download now.")
    expect(row(page, "Sessions per day")).to_have_count(0)


def test_given_no_exports_of_ones_own_then_the_page_says_how_to_make_one(
    browse: Browse, console: Console
) -> None:
    page = browse("/reports", VIEWER)
    page.get_by_role("link", name="Downloads").click()
    expect(page.get_by_role("heading", name="No files yet")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name="events")).to_have_count(0)
    page.get_by_role("main").get_by_role("link", name="report", exact=True).click()
    expect(page).to_have_url(f"{console.url}/reports/new")
    export(page, "CSV")
    expect(row(page, "CSV")).to_have_count(1)
    boss = browse("/reports/downloads", BOSS)
    expect(row(boss, "asked for by somebody else").first).to_be_visible()


def test_given_too_many_open_exports_then_the_refusal_is_told(browse: Browse) -> None:
    page = browse(REPORT, VIEWER)
    for _ in range(12):
        page.get_by_role("button", name="Export", exact=True).click()
        page.get_by_role("button", name="CSV").click()
        page.get_by_role("button", name="Dismiss").first.wait_for()
        if page.locator(".toast-failed").count():
            break
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Dismiss").first.click()
    expect(told(page)).to_contain_text("Too many requests")
    expect(told(page)).to_contain_text("wait for one to end")


@pytest.mark.parametrize(("name", "look"), LOOKS.items())
def test_given_a_screen_then_everything_fits_it_and_axe_finds_nothing(
    browse: Browse, console: Console, work: Work, name: str, look: dict[str, Any]
) -> None:
    page = browse(REPORT, BOSS, **look)
    page.get_by_role("button", name="Export", exact=True).click()
    looks_right(page, f"reports-export-{name}")
    page.get_by_role("button", name="PDF").click()
    expect(told(page)).to_contain_text("is being made")
    work()
    page.goto(f"{console.url}/event-log?last=7d")
    page.get_by_role("button", name="Export", exact=True).click()
    looks_right(page, f"events-export-{name}")
    page.get_by_role("group", name="Export as file").get_by_role("button", name="CSV").click()
    expect(told(page)).to_contain_text("is being made")
    changed(
        console, "state = 'running', attempts = 1, started_at = now(), rows_expected = 10, rows_written = 4"
    )
    page.goto(f"{console.url}/reports/downloads")
    page.get_by_role("button", name="Details of row 2").click()
    expect(page.get_by_role("link", name="Ask the same now")).to_be_visible()
    looks_right(page, f"reports-downloads-{name}")


def looks_right(page: Page, name: str) -> None:
    """Keep a picture; nothing of it is beside the screen or hard to use."""
    keep_picture(page, name)
    assert accessibility_faults(page) == []
    assert fits(page)
