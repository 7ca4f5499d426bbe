"""The console's live page in a browser, on a stack that takes 100 events a second."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.conftest import ROOT, RunningStack

ARTIFACTS = Path(__file__).parent / "artifacts"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 360, "height": 740}
STRICT_POLICY = "default-src 'self'; base-uri 'none'; object-src 'none'"
ABOVE_ZERO = re.compile(r"^[1-9][\d,]*$")
RATE_ABOVE_ZERO = re.compile(r"^(0\.[1-9]|[1-9][\d,]*(\.\d)?)$")
MOMENT = re.compile(r"\d\d:\d\d:\d\d")
ARRIVAL = 60_000  # milliseconds; covers one whole refresh
Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, stack: RunningStack) -> Iterator[Open]:
    """Opens the console; nothing may break in it or go to another host."""
    assert (ROOT / "console" / "dist" / "index.html").is_file(), "the console is not built: make console"
    contexts, problems = [], []

    def note_request(url: str) -> None:
        if not url.startswith(f"{stack.url}/"):
            problems.append(f"request to {url}")

    def note_console(text: str) -> None:
        if "Content Security Policy" in text:
            problems.append(text)

    def make(path: str = "/", *, before: Callable[[Page], None] | None = None, **options: Any) -> Page:
        context = browser.new_context(**({"viewport": DESKTOP} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: note_request(request.url))
        page.on("console", lambda message: note_console(message.text))
        if before:
            before(page)
        page.goto(f"{stack.url}{path}")
        return page

    yield make
    for context in contexts:
        context.close()
    assert problems == []


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def figure(page: Page, name: str) -> Locator:
    return panel(page, name).locator(".figure-value")


def updated_at(page: Page) -> str:
    return page.locator(".refresh-updated time").get_attribute("datetime", timeout=ARRIVAL) or ""


def refresh(page: Page) -> None:
    """Press the button and wait for what it brings."""
    before = updated_at(page)
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator(".refresh-updated time")).not_to_have_attribute("datetime", before)


def wait_for_numbers(page: Page) -> None:
    expect(figure(page, "Active users now")).to_have_text(ABOVE_ZERO, timeout=ARRIVAL)
    expect(panel(page, "Top pages").get_by_role("listitem").first).to_be_visible(timeout=ARRIVAL)
    expect(figure(page, "Events per second")).to_have_text(RATE_ABOVE_ZERO, timeout=ARRIVAL)


def keep_picture(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desktop", {"viewport": DESKTOP}),
        ("desktop-dark", {"viewport": DESKTOP, "color_scheme": "dark"}),
        ("phone", {"viewport": PHONE, "has_touch": True}),
        ("phone-dark", {"viewport": PHONE, "color_scheme": "dark", "has_touch": True}),
        ("narrow", {"viewport": NARROW, "reduced_motion": "reduce"}),
    ],
)
def test_given_traffic_then_every_panel_has_numbers_and_fits_the_screen(
    open_page: Open, name: str, options: dict[str, Any]
) -> None:
    page = open_page(**options)
    wait_for_numbers(page)
    expect(figure(page, "Active sessions")).to_have_text(ABOVE_ZERO)
    expect(panel(page, "Top pages").get_by_role("listitem")).to_have_count(5, timeout=ARRIVAL)
    expect(panel(page, "Events per second").locator("canvas")).to_be_visible()
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"Next refresh in \d+ s"))
    keep_picture(page, name)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= options["viewport"]["width"]


def test_given_traffic_then_the_numbers_move(open_page: Open) -> None:
    page = open_page()
    wait_for_numbers(page)
    hint = panel(page, "Top pages").locator(".hint")
    views, rate = hint.inner_text(), page.locator(".line-chart").get_attribute("aria-label") or ""
    for _ in range(20):  # answers may be a second old
        refresh(page)
        if hint.inner_text() != views:
            break
    expect(hint).not_to_have_text(views)
    expect(page.locator(".line-chart")).not_to_have_attribute("aria-label", rate, timeout=15_000)


def test_given_thirty_seconds_then_the_page_renews_itself(open_page: Open) -> None:
    page = open_page()
    page.clock.install()
    page.reload()
    wait_for_numbers(page)
    before = updated_at(page)
    page.clock.fast_forward(20_000)
    expect(page.locator(".refresh-updated time")).to_have_attribute("datetime", before)
    page.clock.fast_forward(10_000)
    expect(page.locator(".refresh-updated time")).not_to_have_attribute("datetime", before)


def test_given_a_user_id_then_only_that_users_sessions_are_counted(
    open_page: Open, stack: RunningStack
) -> None:
    for session in ("sess_1", "sess_2"):
        event = {"event_type": "page_view", "user_id": "usr_e2e", "session_id": session, "page_url": "/"}
        assert httpx.post(f"{stack.url}/track", json=event, timeout=20).status_code == 202
    page = open_page()
    page.get_by_label("Only the sessions of this user id").fill("usr_e2e")
    expect(figure(page, "Active sessions")).to_have_text("2")
    expect(page).to_have_url(f"{stack.url}/?user_id=usr_e2e")
    page.reload()
    expect(figure(page, "Active sessions")).to_have_text("2")
    page.get_by_role("button", name="Clear the user filter").click()
    expect(page).to_have_url(f"{stack.url}/")


def test_given_a_user_id_that_is_too_long_then_the_field_says_why(open_page: Open) -> None:
    page = open_page(f"/?user_id={'u' * 201}")
    expect(page.locator(".field-error")).to_contain_text("user_id")


def test_given_the_api_fails_then_the_last_numbers_stay_with_their_age_until_it_is_back(
    open_page: Open,
) -> None:
    page = open_page()
    wait_for_numbers(page)
    users = figure(page, "Active users now").inner_text()
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_role("button", name="Refresh now").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Beatline does not answer", timeout=15_000)
    expect(alert).to_contain_text("Check that Beatline is running")
    expect(page.locator(".notice-consequence")).to_contain_text(re.compile(r"\d s old"))
    expect(figure(page, "Active users now")).to_have_text(users)
    expect(panel(page, "Active users now").locator(".stale-tag")).to_have_text(MOMENT)
    keep_picture(page, "error")
    page.unroute("**/api/**")
    page.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(panel(page, "Active users now").locator(".stale-tag")).to_have_count(0)


def test_given_no_answer_yet_then_there_are_skeletons(open_page: Open) -> None:
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page = open_page(before=lambda page: page.route("**/api/v1/metrics/**", hold))
    expect(panel(page, "Active users now")).to_have_attribute("aria-busy", "true")
    expect(panel(page, "Top pages").locator(".skeleton")).to_have_count(5)
    keep_picture(page, "loading")
    for route in waiting:
        route.abort()


def test_given_a_strict_content_security_policy_then_the_page_works(open_page: Open) -> None:
    def with_policy(route: Route) -> None:
        answer = route.fetch()
        headers = answer.headers | {"content-security-policy": STRICT_POLICY}
        route.fulfill(response=answer, headers=headers)

    page = open_page(before=lambda page: page.route(re.compile(r"/$"), with_policy))
    wait_for_numbers(page)
    expect(panel(page, "Events per second").locator("canvas")).to_be_visible()


def test_given_the_other_theme_is_chosen_then_it_is_remembered(open_page: Open) -> None:
    page = open_page(color_scheme="light")
    page.get_by_role("button", name="Switch to the dark theme").click()
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_css("color-scheme", "dark")


def test_given_a_keyboard_then_the_first_stop_skips_to_the_content(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("heading", name="Live").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Refresh now")).to_be_focused()
