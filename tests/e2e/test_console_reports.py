"""Reports of the console, in a browser over a real collector: built, answered, saved, scheduled."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from beatline.accounts.access import Role
from tests.fixtures.consoles import LOOKS, Browse, Console, accessibility_faults, fits, keep_picture

BOSS, ANALYST, VIEWER = "boss@example.com", "ann@example.com", "vera@example.com"
ATTACK = "<img src=x onerror=\"window.attacked='yes'\">"
DAYS = 7
# Events a day of each type, the most frequent first; a day later there are as many more.
TYPES = {"page_view": 8, "click": 4, "buy": 2, ATTACK: 1}


@pytest.fixture(scope="module")
def events(console: Console) -> None:
    """People of each role, and events of the last two weeks: none today."""
    for email, role in ((ANALYST, Role.ANALYST), (VIEWER, Role.VIEWER)):
        console.join(email, role)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    sent = []
    for back in range(1, 2 * DAYS + 1):
        at = midnight - timedelta(days=back) + timedelta(hours=12)
        for event_type, count in TYPES.items():
            for number in range(count + (DAYS - back if back <= DAYS else 0)):
                sent.append({
                    "event_type": event_type, "user_id": f"u{number}", "timestamp": at.isoformat(),
                    "page_url": f"https://shop.example/products/{number % 3}",
                    "properties": {"price": 10.5 + number, "plan": "pro" if number % 2 else "free"},
                })  # fmt: skip
    answer = httpx.post(f"{console.url}/api/v1/analytics/batch/", json={"events": sent}, timeout=30)
    assert answer.json() == {"accepted": len(sent), "rejected": []}, answer.text


pytestmark = pytest.mark.usefixtures("events")


def counted(console: Console, measure: str, where: str = "true") -> list[Any]:
    """A measure over the last seven days, by SQL."""
    statement = f"""
        select {measure} from events
        where ts >= date_trunc('day', now() at time zone 'utc') - interval '{DAYS} days'
          and ts < date_trunc('day', now() at time zone 'utc') and {where}"""
    with psycopg.connect(console.database_url, options="-c timezone=UTC") as connection:
        return [row[0] for row in connection.execute(statement)]


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()


def table(page: Page, name: str) -> Locator:
    return page.get_by_role("table", name=name)


def cells(page: Page, name: str, column: str) -> list[str]:
    """What a table's column has, row by row, without its head."""
    return table(page, name).locator(f'td[data-title="{column}"]').all_inner_texts()


def told(page: Page) -> Locator:
    return page.locator(".toasts")


def test_given_a_measure_and_a_grouping_then_the_numbers_are_those_of_sql(
    browse: Browse, console: Console
) -> None:
    page = browse("/reports/new?period=last-7-day", ANALYST, timezone_id="UTC")
    page.get_by_label("Measure").select_option("users")
    page.get_by_role("button", name="Add a grouping").click()
    page.get_by_label("By", exact=True).select_option("event_type")
    run(page)
    expect(table(page, "Groups, the highest first")).to_contain_text("page_view")
    names, users = (cells(page, "Groups, the highest first", column) for column in ("event type", "Users"))
    wanted = {
        name: counted(console, "count(distinct user_id)", f"event_type = '{name}'")
        for name in ("click", "buy")
    }
    found = dict(zip(names, map(int, users), strict=True))
    assert {name: [found[name]] for name in wanted} == wanted
    assert [found["All"]] == counted(console, "count(distinct user_id)")
    assert "measure=users" in page.url
    assert "zone=UTC" in page.url


def test_given_a_property_a_filter_and_a_comparison_then_all_are_answered(
    browse: Browse, console: Console
) -> None:
    page = browse("/reports/new?period=last-7-day", ANALYST, timezone_id="UTC")
    page.get_by_label("Measure").select_option("sum")
    page.get_by_label("Property", exact=True).fill("price")
    page.get_by_label("Compare with the period before").check()
    page.get_by_role("button", name="Types: All").click()
    page.get_by_label("buy").check()
    page.keyboard.press("Escape")
    run(page)
    [total] = counted(console, "sum((properties->>'price')::numeric)", "event_type = 'buy'")
    expect(page.locator(".figure-value")).to_have_text(f"{total:,.2f}".rstrip("0").rstrip("."))
    expect(page.get_by_label("What it is about")).to_contain_text("Event type is “buy”")
    by_day = cells(page, "Numbers by the day", "Sum")
    assert len(by_day) == DAYS + 1
    assert len(cells(page, "Numbers by the day", "Before")) == DAYS + 1
    shared = browse(page.url.removeprefix(console.url), BOSS)
    expect(shared.locator(".figure-value")).to_have_text(page.locator(".figure-value").inner_text())
    expect(shared.get_by_label("Property", exact=True)).to_have_value("price")


def test_given_a_property_that_cannot_be_then_its_field_says_so(browse: Browse) -> None:
    page = browse("/reports/new?measure=sum&of=a..b&zone=UTC", ANALYST)
    field = page.get_by_label("Property", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("price")
    run(page)
    expect(page.get_by_role("region", name="Sum of price per day")).to_be_visible()


def test_given_a_report_then_it_is_saved_changed_renamed_and_deleted(
    browse: Browse, console: Console
) -> None:
    page = browse("/reports/new?period=last-7-day&group=event_type&grain=none&zone=UTC", ANALYST)
    page.get_by_role("button", name="Save …").click()
    page.get_by_label("Name", exact=True).fill(f"Types {ATTACK}")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"/reports/\d+$"))
    expect(page.get_by_role("heading", name="Types <img")).to_be_visible()
    expect(page.get_by_role("list", name="Events, by event type")).to_contain_text("page_view")
    page.get_by_role("button", name="Change what is asked").click()
    page.get_by_label("Measure").select_option("users")
    run(page)
    expect(page.get_by_text("This is not as the report is saved.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(told(page)).to_contain_text("is saved.")
    expect(page).to_have_url(re.compile(r"/reports/\d+$"))
    expect(page.get_by_role("list", name="Users, by event type")).to_be_visible()
    page.get_by_role("button", name="Rename …").click()
    page.get_by_label("Name", exact=True).fill("Types")
    page.get_by_label("Viewers may run it, whatever it shows").check()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Types", exact=True)).to_be_visible()
    assert page.evaluate("window.attacked") is None
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(f"{console.url}/reports")
    expect(page.get_by_role("link", name="Types", exact=True)).to_have_count(0)


def saved(console: Console, name: str, measure: dict[str, Any], *, for_viewers: bool = False) -> int:
    """Save a report of the admin; its id."""
    body = {
        "name": name, "for_viewers": for_viewers,
        "definition": {
            "period": {"kind": "last", "count": 7, "unit": "day"}, "measure": measure, "grain": "day",
            "groupings": [{"by": "event_type"}], "compare": True, "time_zone": "UTC",
        },
    }  # fmt: skip
    given = {"email": BOSS, "password": "correct horse battery"}
    token = httpx.post(f"{console.url}/api/v1/auth/login", json=given).json()["access_token"]
    answer = httpx.post(
        f"{console.url}/api/v1/projects/1/reports", json=body, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 201, answer.text
    return int(answer.json()["report_id"])


def test_given_a_schedule_then_it_is_shown_paused_changed_and_deleted(
    browse: Browse, console: Console
) -> None:
    report_id = saved(console, "Scheduled", {"kind": "count"})
    page = browse(f"/reports/{report_id}", BOSS, timezone_id="Europe/Berlin")
    page.get_by_role("button", name="New schedule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Each", exact=True).select_option("month")
    dialog.get_by_label("On", exact=True).select_option("31")
    expect(dialog.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    expect(dialog.get_by_label(BOSS)).to_be_checked()
    dialog.get_by_role("button", name="Save").click()
    schedules = table(page, "Schedules of the report")
    expect(schedules).to_contain_text("Day 31 of each month, or its last at 07:00 (Europe/Berlin)")
    schedules.get_by_role("button", name="Edit").click()
    dialog.get_by_label("Each", exact=True).select_option("day")
    dialog.get_by_role("button", name="Save").click()
    expect(schedules).to_contain_text("Each day at 07:00")
    schedules.get_by_role("button", name="Pause").click()
    expect(schedules).to_contain_text("paused")
    page.goto(f"{console.url}/reports")
    page.get_by_role("row", name="Scheduled").get_by_role("button").click()
    expect(schedules).to_contain_text("Each day at 07:00")
    schedules.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("It is not exported by itself.")).to_be_visible()


def test_given_a_viewer_then_counts_and_what_is_meant_for_viewers_are_shown_and_nothing_else(
    browse: Browse, console: Console
) -> None:
    secret = saved(console, "Secret revenue", {"kind": "sum", "property": "price"})
    shown = saved(console, "Open revenue", {"kind": "sum", "property": "price"}, for_viewers=True)
    page = browse("/reports", VIEWER)
    expect(page.get_by_role("link", name="Open revenue")).to_be_visible()
    expect(page.get_by_role("link", name="Secret revenue")).to_have_count(0)
    page.goto(f"{console.url}/reports/{shown}")
    expect(table(page, "Groups, the highest first")).to_contain_text("page_view")
    for name in ("Delete", "Rename …", "New schedule"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.goto(f"{console.url}/reports/{secret}")
    expect(page.get_by_role("alert")).to_contain_text("Not allowed")
    page.goto(f"{console.url}/reports/new")
    expect(page.get_by_label("Measure").get_by_role("option")).to_have_text(["Events", "Users", "Sessions"])
    expect(page.get_by_role("button", name="Save …")).to_have_count(0)
    expect(page.locator(".figure-value")).to_have_text(re.compile(r"\d+"))


@pytest.mark.parametrize(
    ("path", "email"),
    [("/event-log", ANALYST), ("/reports/new", VIEWER)],
)
def test_given_each_project_then_its_own_types_are_offered_and_one_stays_signed_in(
    browse: Browse, console: Console, path: str, email: str
) -> None:
    page = browse(f"{path}?project=2", email)
    page.get_by_role("button", name="Types: All").click()
    expect(page.get_by_text("No such type in the last 30 days.")).to_be_visible()
    page.goto(f"{console.url}{path}?project=1")
    page.get_by_role("button", name="Types: All").click()
    expect(page.get_by_label("page_view")).to_be_visible()


def test_given_an_address_that_is_damaged_then_the_page_says_what_does_not_count(browse: Browse) -> None:
    page = browse("/reports/new?measure=mood&top=1000&zone=UTC", ANALYST)
    expect(page.get_by_role("alert")).to_contain_text("do not count: measure, top.")
    page.goto(page.url.split("/reports")[0] + "/reports/999999")
    expect(page.get_by_role("heading", name="No such report", exact=True)).to_be_visible()


@pytest.mark.parametrize(("name", "look"), LOOKS.items())
def test_given_a_screen_then_everything_fits_it_and_axe_finds_nothing(
    browse: Browse, console: Console, name: str, look: dict[str, Any]
) -> None:
    page = browse("/reports/new?period=last-7-day&group=event_type&compare=1&zone=UTC", BOSS, **look)
    expect(page.get_by_role("img", name="Line chart")).to_be_visible()
    looks_right(page, f"reports-new-{name}")
    page.goto(f"{console.url}/reports/new?period=rolling-3-day&compare=1&zone=UTC")
    expect(page.get_by_role("img", name="Line chart")).to_be_visible()
    looks_right(page, f"reports-week-{name}")
    page.goto(f"{console.url}/reports/new?group=page&group=property:plan&grain=none&zone=UTC")
    expect(table(page, "Groups, the highest first")).to_be_visible()
    looks_right(page, f"reports-groups-{name}")
    report_id = saved(
        console, f"Looks on a {name}", {"kind": "percentile", "property": "price", "percentile": 95}
    )
    page.goto(f"{console.url}/reports/{report_id}")
    page.get_by_role("button", name="New schedule").click()
    looks_right(page, f"reports-schedule-{name}")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(table(page, "Schedules of the report")).to_be_visible()
    looks_right(page, f"reports-saved-{name}")
    page.goto(f"{console.url}/reports")
    page.get_by_role("row", name=f"Looks on a {name}").get_by_role("button").click()
    expect(table(page, "Schedules of the report")).to_be_visible()
    looks_right(page, f"reports-list-{name}")


def looks_right(page: Page, name: str) -> None:
    """Keep a picture; nothing of it is beside the screen or hard to use."""
    keep_picture(page, name)
    assert accessibility_faults(page) == []
    assert fits(page)
