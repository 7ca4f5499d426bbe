"""The example page: its events reach the collector through its service worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from beatline.embedded.postgres import EmbeddedPostgres
from beatline.embedded.valkey import EmbeddedValkey
from tests.fixtures.collectors import running_collector
from tests.fixtures.databases import TEMPLATE, a_database
from tests.fixtures.storage import wait_until

ARTIFACTS = Path(__file__).parent / "artifacts"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
BERLIN = {"latitude": 52.52, "longitude": 13.405, "accuracy": 25}
MAY_LOCATE = {"geolocation": BERLIN, "permissions": ["geolocation"]}
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def database(template_database: EmbeddedPostgres) -> Iterator[str]:
    yield from a_database(template_database.url, TEMPLATE)


@pytest.fixture(scope="module")
def collector(
    database: str, valkey_server: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with running_collector(tmp_path_factory.mktemp("collector"), database, valkey_server.url) as url:
        yield url


@pytest.fixture
def open_page(browser: Browser, collector: str) -> Iterator[Open]:
    """Opens the example in a fresh browser; nothing may break in it, nor break its policy."""
    contexts, problems = [], []

    def note_console(text: str) -> None:
        if "Content Security Policy" in text:
            problems.append(text)

    def make(path: str = "/example/", **options: Any) -> Page:
        context = browser.new_context(**({"viewport": DESKTOP} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: note_console(message.text))
        page.goto(collector + path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert problems == []


def expect_stored(page: Page, *event_types: str) -> None:
    """The log shows these answers, newest first."""
    entries = page.get_by_role("log").get_by_role("listitem")
    expect(entries).to_have_count(len(event_types))
    for entry, event_type in zip(entries.all(), event_types, strict=True):
        expect(entry).to_have_attribute("data-state", "stored")
        expect(entry.locator("strong")).to_have_text(event_type)


def user_of(page: Page) -> str:
    """The user id that the page has given its visitor."""
    return page.locator("#user").inner_text()


def rows(database: str, user: str) -> list[tuple[Any, ...]]:
    """What is stored of a visitor, in the order of its arrival."""
    with psycopg.connect(database) as connection:
        statement = """
            select event_type, page_url, properties from events where user_id = %s order by event_id"""
        return connection.execute(statement, [user]).fetchall()


def test_given_the_first_visit_then_view_click_and_location_are_stored_once(
    open_page: Open, collector: str, database: str
) -> None:
    page = open_page(**MAY_LOCATE)
    expect_stored(page, "view")
    page.locator("#click-me").click()
    expect_stored(page, "click", "view")
    page.locator("#get-location").click()
    expect_stored(page, "location", "click", "view")

    url = f"{collector}/example/"
    xpath = "/html/body[1]/main[1]/section[1]/div[1]/button[1]"
    assert rows(database, user_of(page)) == [
        ("view", url, {"url": url, "title": "Service worker example · Beatline"}),
        ("click", None, {"element_id": "click-me", "text": "Click me", "xpath": xpath}),
        ("location", None, BERLIN),
    ]


def test_given_a_visit_then_it_is_the_service_worker_that_sends(open_page: Open) -> None:
    page = open_page()
    expect_stored(page, "view")
    requests: list[tuple[str, str, bool]] = []
    page.context.on(
        "request", lambda sent: requests.append((sent.method, sent.url, sent.service_worker is not None))
    )
    page.locator("#click-me").click()
    expect_stored(page, "click", "view")
    assert {(method, url.rpartition("/")[2], by_worker) for method, url, by_worker in requests} == {
        ("POST", "events", True)
    }


def test_given_another_visit_then_the_user_is_the_same(open_page: Open, database: str) -> None:
    page = open_page()
    expect_stored(page, "view")
    user = user_of(page)
    page.reload()
    expect_stored(page, "view")
    assert user_of(page) == user
    assert [row[0] for row in rows(database, user)] == ["view", "view"]


def test_given_no_permission_then_the_page_says_so_and_nothing_is_sent(
    open_page: Open, database: str
) -> None:
    page = open_page(permissions=[])
    expect_stored(page, "view")
    page.locator("#get-location").click()
    entry = page.get_by_role("log").get_by_role("listitem").first
    expect(entry).to_have_attribute("data-state", "failed")
    expect(entry).to_contain_text("not sent")
    assert [row[0] for row in rows(database, user_of(page))] == ["view"]


def test_given_no_network_then_the_page_says_so(open_page: Open) -> None:
    page = open_page()
    expect_stored(page, "view")
    page.context.set_offline(True)
    page.locator("#click-me").click()
    expect(page.get_by_role("log").get_by_role("listitem").first).to_contain_text("not sent")


def test_given_the_tab_closes_at_once_then_the_worker_still_sends(open_page: Open, database: str) -> None:
    page = open_page()
    page.context.new_page()
    expect_stored(page, "view")
    user = user_of(page)
    page.evaluate("() => document.querySelector('#click-me').click()")
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    wait_until(lambda: [row[0] for row in rows(database, user)] == ["view", "click"])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("example-desktop", {"viewport": DESKTOP}),
        ("example-desktop-dark", {"viewport": DESKTOP, "color_scheme": "dark"}),
        ("example-phone", {"viewport": PHONE, "has_touch": True}),
        ("example-phone-dark", {"viewport": PHONE, "color_scheme": "dark", "has_touch": True}),
    ],
)
def test_given_any_screen_then_the_page_fits(open_page: Open, name: str, options: dict[str, Any]) -> None:
    page = open_page(**MAY_LOCATE, **options)
    expect_stored(page, "view")
    page.locator("#click-me").click()
    expect_stored(page, "click", "view")
    page.context.clear_permissions()
    page.locator("#get-location").click()
    expect(page.get_by_role("log").get_by_role("listitem")).to_have_count(3)
    page.get_by_text("not sent").wait_for()
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= options["viewport"]["width"]


def test_given_a_keyboard_then_both_buttons_are_reached_and_work(open_page: Open) -> None:
    page = open_page()
    expect_stored(page, "view")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Click me")).to_be_focused()
    page.keyboard.press("Enter")
    expect_stored(page, "click", "view")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Get location")).to_be_focused()


def test_given_the_address_without_a_slash_then_it_leads_to_the_page(collector: str) -> None:
    answer = httpx.get(f"{collector}/example")
    assert answer.status_code == 308
    assert answer.headers["Location"].endswith("/example/")


def test_given_the_page_then_its_policy_allows_no_inline_script(collector: str) -> None:
    for path in ("", "index.html", "example.js", "service-worker.js", "example.css"):
        answer = httpx.get(f"{collector}/example/{path}")
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; "), path
        assert answer.headers["Cache-Control"] == "no-cache", path
    assert httpx.get(f"{collector}/example/nothing.js").status_code == 404
