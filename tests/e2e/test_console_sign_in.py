"""Signing in and out of the console, in a browser over a real collector."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Page, Request, expect

from beatline.accounts.access import Role
from beatline.accounts.signing_keys import ALGORITHM, signing_keys
from beatline.embedded.postgres import EmbeddedPostgres
from beatline.embedded.valkey import EmbeddedValkey
from beatline.settings import Settings
from tests.fixtures.collectors import running_collector
from tests.fixtures.consoles import LOOKS, Browse, Console, accessibility_faults, fits, keep_picture
from tests.fixtures.databases import TEMPLATE, a_database
from tests.fixtures.people import PASSWORD

BOSS = "boss@example.com"


@pytest.fixture
def closed_url(
    template_database: EmbeddedPostgres, valkey_server: EmbeddedValkey, tmp_path: Path
) -> Iterator[str]:
    """A collector that shows nothing to who has not signed in."""
    for database in a_database(template_database.url, TEMPLATE):
        with running_collector(tmp_path, database, valkey_server.url, open_reading="off") as url:
            yield url


def sign_in(page: Page, email: str = BOSS, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def account_button(page: Page) -> Any:
    return page.get_by_role("button", name="Account of")


def end_access_token(page: Page, console: Console) -> None:
    """Put an access token in the place of the present one that is the same but over."""
    keys = signing_keys(Settings(data=console.data))
    (cookie,) = [kept for kept in page.context.cookies() if kept["name"] == "access_token_cookie"]
    claims = jwt.decode(cookie["value"], options={"verify_signature": False}) | {"exp": int(time.time()) - 60}
    token = jwt.encode(claims, keys.private, ALGORITHM, headers={"kid": keys.signing_id})
    page.context.add_cookies([cookie | {"value": token}])  # type: ignore[list-item]


def refreshes(page: Page) -> list[str]:
    """The refreshes that the page asks for from now on."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/auth/refresh"):
            asked.append(request.url)

    page.on("request", note)
    return asked


def test_given_a_password_then_one_gets_where_one_wanted_to(browse: Browse, console: Console) -> None:
    page = browse("/settings/tokens?project=2")
    expect(page).to_have_url(f"{console.url}/sign-in?next=%2Fsettings%2Ftokens%3Fproject%3D2")

    sign_in(page)

    expect(page).to_have_url(f"{console.url}/settings/tokens?project=2")
    expect(page.get_by_role("heading", name="API tokens")).to_be_visible()
    assert page.title() == "API tokens · Beatline"
    assert page.evaluate("document.cookie").count("csrf_") == 2
    assert "access_token_cookie" not in page.evaluate("document.cookie")


@pytest.mark.parametrize(
    "next_page", ["//example.com/", "https://example.com/", "/\\example.com", "javascript:0"]
)
def test_given_an_address_of_elsewhere_then_signing_in_stays_here(
    browse: Browse, console: Console, next_page: str
) -> None:
    page = browse(f"/sign-in?next={next_page}")

    sign_in(page)

    expect(account_button(page)).to_be_visible()
    expect(page).to_have_url(f"{console.url}/")


def test_given_a_wrong_password_then_it_says_so_and_the_next_one_works(browse: Browse) -> None:
    page = browse("/sign-in")
    sign_in(page, password="not this one")
    expect(page.get_by_role("alert")).to_have_text("The address or the password is wrong.")
    expect(page.get_by_label("E-mail address")).to_have_value(BOSS)

    sign_in(page)

    expect(account_button(page)).to_be_visible()


def test_given_too_many_attempts_then_the_waiting_time_is_told(browse: Browse) -> None:
    page = browse("/sign-in")
    for _ in range(6):
        with page.expect_response("**/auth/login"):
            sign_in(page, "guessed@example.com", "guess")
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()

    expect(page.get_by_role("alert")).to_have_text(
        re.compile(r"Too many attempts to sign in\. Try again in (\d+ s|1 min \d+ s)\.")
    )
    keep_picture(page, "sign-in-too-many")


def test_given_an_access_token_that_ended_then_one_refresh_serves_all_requests(
    browse: Browse, console: Console
) -> None:
    page = browse("/", BOSS)
    expect(account_button(page)).to_be_visible()
    end_access_token(page, console)
    asked = refreshes(page)

    page.reload()

    expect(page.locator(".figure-value").first).to_be_visible()
    expect(account_button(page)).to_be_visible()
    assert len(asked) == 1


def test_given_a_session_that_was_ended_elsewhere_then_the_page_leads_to_the_sign_in(
    browse: Browse, console: Console
) -> None:
    console.join("bob@example.com", Role.VIEWER)
    page = browse("/settings/profile", "bob@example.com")
    other = browse("/settings/logins", "bob@example.com")
    other.get_by_role("button", name="Sign out everywhere").click()
    other.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    expect(other).to_have_url(f"{console.url}/sign-in")

    page.get_by_label("Name").fill("Bob")
    page.get_by_role("button", name="Save").click()

    expect(page).to_have_url(f"{console.url}/sign-in?next=%2Fsettings%2Fprofile")
    page.goto(f"{console.url}/")  # open to everybody, and no cookie of the old session is in the way
    expect(page.locator(".figure-value").first).to_be_visible()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_given_a_sign_out_then_nothing_is_left_of_the_session(browse: Browse, console: Console) -> None:
    page = browse("/settings/profile", BOSS)
    account_button(page).click()
    page.get_by_role("button", name="Sign out").click()

    expect(page).to_have_url(f"{console.url}/sign-in")
    assert {cookie["name"] for cookie in page.context.cookies()} <= {"beatline_device"}
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_given_open_reading_then_live_works_without_signing_in(browse: Browse) -> None:
    page = browse("/")

    expect(page.get_by_role("heading", name="Live")).to_be_visible()
    expect(page.locator(".figure-value").first).to_be_visible()
    assert page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts() == ["Live"]
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_given_closed_reading_then_live_leads_to_the_sign_in(browse: Browse, closed_url: str) -> None:
    page = browse("/sign-in").context.new_page()

    page.goto(f"{closed_url}/")

    expect(page).to_have_url(f"{closed_url}/sign-in")


@pytest.mark.parametrize("look", LOOKS)
def test_the_sign_in_page_is_for_everyone(browse: Browse, look: str) -> None:
    page = browse("/sign-in", **LOOKS[look])
    page.get_by_role("heading", name="Sign in").wait_for()

    keep_picture(page, f"sign-in-{look}")
    assert accessibility_faults(page) == []
    assert fits(page)


def test_a_page_that_is_none_says_so(browse: Browse, console: Console) -> None:
    page = browse("/nothing-here", BOSS)

    expect(page.get_by_role("heading", name="No such page")).to_be_visible()
    answer = page.context.request.get(f"{console.url}/nothing-here", headers={"Accept": "application/json"})
    assert (answer.status, answer.json()["code"]) == (404, "not_found")
