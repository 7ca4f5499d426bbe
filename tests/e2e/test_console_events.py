"""Events, users and the live tail of the console, in a browser over a real collector and live server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from beatline.accounts.access import Role
from beatline.embedded.postgres import EmbeddedPostgres
from beatline.embedded.valkey import EmbeddedValkey
from beatline.project_admin import create_project
from tests.fixtures.collectors import ROOT, free_port, running_collector, running_live
from tests.fixtures.consoles import LOOKS, Browse, Console, accessibility_faults, fits, keep_picture
from tests.fixtures.databases import TEMPLATE, a_database

BOSS, ANALYST, VIEWER = "boss@example.com", "ann@example.com", "vera@example.com"
ATTACK = "<img src=x onerror=\"window.attacked='yes'\">"
ATTACKER = f"mallory{ATTACK}"
CLICKS = 120
TAIL, NEWEST = "Live tail, the newest first", "Newest events, the newest first"
IDENTIFY = {
    "event_type": "$identify", "user_id": "usr_1", "anonymous_id": "anon_1", "session_id": "sess_1",
    "properties": {"name": "Ann Lee", "email": "ann@shop.example", "plan": "pro", "home": {"city": "Bern"}},
}  # fmt: skip
GROUP = {
    "event_type": "$group", "user_id": "usr_1", "session_id": "sess_1",
    "properties": {"group_type": "company", "group_id": "acme", "size": 12},
}  # fmt: skip
VIEW = {
    "event_type": "page_view", "user_id": "usr_1", "session_id": "sess_2", "device_id": "phone_1",
    "page_url": "https://shop.example/products/1", "app_version": "2.1", "os_name": "Linux",
    "properties": {"plan": "pro", "price": 19.5, "tags": ["new", "sale"], "more": {"on": True, "no": None}},
}  # fmt: skip
HOSTILE = {
    "event_type": f"$identify{ATTACK}", "user_id": ATTACKER, "anonymous_id": f"a{ATTACK}",
    "session_id": f"s{ATTACK}", "device_id": f"d{ATTACK}", "page_url": f"https://x.example/{ATTACK}",
    "app_version": ATTACK, "os_name": ATTACK, "os_version": ATTACK,
    "properties": {ATTACK: ATTACK, "$set": {"name": ATTACK, ATTACK: [ATTACK]}, "list": [{ATTACK: ATTACK}]},
}  # fmt: skip
HOSTILE_GROUP = {
    "event_type": "$group", "user_id": ATTACKER, "session_id": f"s{ATTACK}",
    "properties": {"group_type": ATTACK, "group_id": ATTACK, ATTACK: ATTACK},
}  # fmt: skip


@pytest.fixture(scope="module")
def console(
    template_database: EmbeddedPostgres,
    valkey_server: EmbeddedValkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Console]:
    """A collector and a live server, a person of each role, a second project, and events in the first."""
    assert (ROOT / "console" / "dist" / "index.html").is_file(), "the console is not built: make console"
    data, live_port = tmp_path_factory.mktemp("collector"), free_port()
    for database in a_database(template_database.url, TEMPLATE):
        with psycopg.connect(database, autocommit=True) as connection:
            create_project(connection, "shop")
        with (
            running_live(live_port, data, database, valkey_server.url),
            running_collector(data, database, valkey_server.url, live_port=live_port) as url,
        ):
            made = Console(url, database, data)
            for email, role in ((BOSS, Role.ADMIN), (ANALYST, Role.ANALYST), (VIEWER, Role.VIEWER)):
                made.join(email, role)
            click = {"event_type": "click", "user_id": "usr_2", "session_id": "sess_3", "page_url": "/cart"}
            numbered = ({**click, "properties": {"n": number}} for number in range(CLICKS))
            send(made, *numbered, HOSTILE, HOSTILE_GROUP, IDENTIFY, GROUP, VIEW)
            yield made


def send(console: Console, *events: dict[str, Any]) -> None:
    """Send events, one after the other."""
    with httpx.Client(base_url=console.url, timeout=20) as client:
        for event in events:
            answer = client.post("/track", json=event)
            assert answer.status_code == 202, answer.text


def table(page: Page, name: str = "Events, the newest first") -> Locator:
    return page.get_by_role("table", name=name)


def rows(page: Page, name: str = "Events, the newest first") -> Locator:
    return table(page, name).locator("tbody > tr:has(.opener)")


def search(page: Page) -> None:
    page.get_by_role("button", name="Search", exact=True).click()


def open_row(page: Page, number: int = 1, name: str = "Events, the newest first") -> Locator:
    """Open a row; its details."""
    rows(page, name).nth(number - 1).locator(".opener").click()
    return table(page, name).locator(".row-detail")


def test_given_a_filter_then_its_events_are_shown_and_the_address_shows_another_person_the_same(
    browse: Browse, console: Console
) -> None:
    page = browse("/event-log", ANALYST)
    page.get_by_role("button", name="Types: All").click()
    page.get_by_label("page_view").check()
    page.get_by_label("User", exact=True).fill("usr_1")
    page.get_by_role("button", name="Add a property").click()
    page.get_by_label("Property", exact=True).fill("price")
    page.get_by_label("What it is asked").select_option("greater")
    page.get_by_label("Value", exact=True).fill("19")
    search(page)
    expect(rows(page)).to_have_count(1)
    expect(page.locator(".condition")).to_have_count(3)
    assert "event_type=page_view" in page.url
    shared = browse(page.url.removeprefix(console.url), BOSS)
    expect(rows(shared)).to_have_count(1)
    expect(rows(shared)).to_contain_text("usr_1")
    expect(shared.get_by_label("Value", exact=True)).to_have_value("19")
    shared.get_by_role("button", name="Remove Type page_view").click()
    expect(shared).not_to_have_url(re.compile("event_type"))


def test_given_an_open_row_then_all_is_shown_and_a_value_becomes_a_filter(browse: Browse) -> None:
    page = browse("/event-log?event_type=page_view", ANALYST)
    detail = open_row(page)
    for text in ("phone_1", "sess_2", "2.1", '"pro"', "19.5", "null"):
        expect(detail.get_by_text(text, exact=True)).to_be_visible()
    detail.get_by_role("button", name='"sale"').click()
    expect(page.locator(".condition")).to_contain_text(["Type", 'tags.1 is "sale"'])
    expect(rows(page)).to_have_count(1)
    page.go_back()
    expect(page.locator(".condition")).to_have_count(1)


def test_given_nothing_passes_then_the_next_step_is_said(browse: Browse) -> None:
    page = browse("/event-log?last=1h&user_id=nobody", ANALYST)
    notice = page.get_by_role("region", name="No events")
    expect(notice).to_contain_text("Nothing passes this filter in the last hour.")
    notice.get_by_role("button", name="Ask nothing but the time").click()
    expect(rows(page).first).to_be_visible()
    expect(page).to_have_url(re.compile(r"/event-log\?last=1h$"))


def test_given_an_address_that_is_damaged_then_the_page_says_what_does_not_count(browse: Browse) -> None:
    page = browse("/event-log?property=%7B&last=never", ANALYST)
    expect(page.get_by_role("alert")).to_contain_text("could not be read and do not count: last, property")
    expect(rows(page).first).to_be_visible()


def test_given_more_events_than_a_page_then_more_are_loaded_and_few_are_rendered(browse: Browse) -> None:
    page = browse("/event-log?event_type=click", ANALYST)
    expect(page.locator(".events-total")).to_have_text(f"{CLICKS} events, the newest first")
    page.get_by_role("button", name="Load more").click()
    expect(page.locator(".load-more")).to_contain_text(f"{CLICKS} events shown, that is all")
    assert rows(page).count() < 60
    expect(table(page)).to_have_attribute("aria-rowcount", str(CLICKS + 1))
    expect(page.get_by_role("img", name=f"Bar chart of {CLICKS} events by the hour")).to_be_visible()


@pytest.mark.parametrize(("choice", "suffix"), [("NDJSON", ".ndjson"), ("CSV", ".csv")])
def test_given_a_filter_then_the_export_has_just_its_events(browse: Browse, choice: str, suffix: str) -> None:
    page = browse("/event-log?user_id=usr_1&event_type=page_view", ANALYST)
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("group", name="Download now").get_by_role("button", name=choice).click()
    assert download.value.suggested_filename.endswith(suffix)
    lines = download.value.path().read_text().splitlines()
    if choice == "CSV":
        header, *lines = lines
        assert header.startswith('"event_id"')
    else:
        assert json.loads(lines[0])["properties"] == VIEW["properties"]
    assert len(lines) == 1


def test_given_the_live_tail_then_an_event_that_is_sent_now_shows_if_it_passes_the_filter(
    browse: Browse, console: Console
) -> None:
    page = browse("/event-log?last=1h&session_id=sess_tail&tail=1", ANALYST)
    tail = page.get_by_role("region", name="Live tail", exact=True)
    expect(tail.get_by_role("status")).to_have_text("Live")
    event = {"event_type": "tail_test", "user_id": "usr_tail", "page_url": "/now"}
    send(console, event | {"session_id": "other"}, event | {"session_id": "sess_tail"})
    expect(rows(page, TAIL)).to_have_count(1)
    expect(rows(page, TAIL)).to_contain_text("usr_tail")
    open_row(page, name=TAIL)
    expect(tail.get_by_role("status")).to_have_text("Paused")
    send(console, event | {"session_id": "sess_tail"})
    go_on = tail.get_by_role("button", name="Go on: 1 new event")
    expect(go_on).to_be_visible()
    expect(rows(page, TAIL)).to_have_count(1)
    go_on.click()
    expect(rows(page, TAIL)).to_have_count(2)


def test_given_one_scrolls_in_the_live_tail_then_it_holds_still_until_one_is_back(
    browse: Browse, console: Console
) -> None:
    page = browse("/event-log?tail=1", ANALYST)
    tail = page.get_by_role("region", name="Live tail", exact=True)
    expect(tail.get_by_role("status")).to_have_text("Live")
    send(console, *({"event_type": "scroll_test", "user_id": "usr_s"} for _ in range(15)))
    expect(rows(page, TAIL)).to_have_count(15)
    tail.locator(".table-box").evaluate("box => box.scrollTo(0, 200)")
    expect(tail.get_by_role("status")).to_have_text("Paused")
    send(console, {"event_type": "scroll_test", "user_id": "usr_s"})
    expect(tail.get_by_role("button", name="Go on: 1 new event")).to_be_visible()
    tail.locator(".table-box").evaluate("box => box.scrollTo(0, 0)")
    expect(rows(page, TAIL)).to_have_count(16)


def test_given_the_live_preview_refuses_then_the_tail_says_so_and_the_log_stays(
    browse: Browse, console: Console
) -> None:
    page = browse("/event-log", ANALYST)
    allowed = {"Access-Control-Allow-Origin": console.url, "Access-Control-Allow-Credentials": "true"}
    refusal = {"code": "unauthorized", "message": "Sign in, or send a token."}
    page.route_web_socket(re.compile("/api/v1/live"), lambda socket: socket.close())
    page.route(
        "**/api/v1/live/events*", lambda route: route.fulfill(status=401, json=refusal, headers=allowed)
    )
    page.get_by_role("button", name="Live tail").click()
    tail = page.get_by_role("region", name="Live tail", exact=True)
    expect(tail.get_by_role("status")).to_have_text("Not allowed", timeout=20_000)
    expect(tail).to_contain_text("ask an administrator for access")
    expect(tail).to_contain_text("Sign in, or send a token.")
    expect(rows(page).first).to_be_visible()


def test_given_events_then_live_shows_the_newest_of_its_project_alone(
    browse: Browse, console: Console
) -> None:
    page = browse("/?project=1", ANALYST)
    expect(rows(page, NEWEST).first).to_be_visible()
    other = browse("/?project=2", ANALYST)
    for each in (page, other):
        newest = each.get_by_role("region", name="Newest events", exact=True)
        expect(newest.get_by_role("status")).to_have_text("Live")
    send(console, {"event_type": "live_now", "user_id": "usr_live"})
    expect(rows(page, NEWEST).first).to_contain_text("live_now")
    expect(other.get_by_role("region", name="Newest events", exact=True)).to_contain_text(
        "Waiting for the next event."
    )


def test_given_users_then_one_is_found_and_shown_with_all_that_is_known(browse: Browse) -> None:
    page = browse("/users", ANALYST)
    page.get_by_label("Find users").fill("ann lee")
    found = table(page, "Users, the last seen first")
    expect(found.get_by_role("link")).to_have_count(1)
    expect(found).to_contain_text("Ann Lee · ann@shop.example · pro")
    expect(page).to_have_url(re.compile(r"search=ann\+lee"))
    found.get_by_role("link", name="usr_1").click()
    expect(page.get_by_role("heading", name="usr_1", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Traits")).to_contain_text("Bern")
    expect(page.get_by_role("region", name="Groups")).to_contain_text("acme")
    expect(page.get_by_role("region", name="Profile")).to_contain_text("anon_1")
    expect(rows(page)).to_have_count(3)
    table(page, "Sessions, the last seen first").get_by_role("link", name="sess_2").click()
    expect(page).to_have_url(re.compile(r"/event-log\?last=all&session_id=sess_2"))
    expect(rows(page)).to_have_count(1)


def test_given_nobody_with_an_id_then_the_page_says_what_to_do(browse: Browse) -> None:
    page = browse("/users/details?user_id=nobody%2F..%2F%25", ANALYST)
    expect(page.get_by_role("region", name="Nobody was seen with this id")).to_be_visible()


def test_given_markup_in_every_field_then_it_stays_text_on_every_page(
    browse: Browse, console: Console
) -> None:
    page = browse("/event-log?tail=1", BOSS)
    expect(page.get_by_role("region", name="Live tail", exact=True).get_by_role("status")).to_have_text(
        "Live"
    )
    send(console, HOSTILE)
    expect(rows(page, TAIL)).to_have_count(1)
    open_row(page, name=TAIL)
    stays_text(page, 12)
    page.get_by_role("button", name="Types: All").click()
    stays_text(page, 12)
    wanted = json.dumps({"property": ATTACK.replace(".", "\\."), "operator": "equals", "value": ATTACK})
    asked = urlencode({"event_type": HOSTILE["event_type"], "property": wanted})
    page.goto(f"{console.url}/event-log?{asked}")
    expect(rows(page)).to_have_count(2)
    open_row(page)
    stays_text(page, 12)
    page.get_by_role("link", name="All about").click()
    expect(page.get_by_role("heading", name=ATTACKER)).to_be_visible()
    expect(page.get_by_role("region", name="Groups")).to_contain_text(ATTACK)
    expect(rows(page).first).to_be_visible()
    stays_text(page, 8)
    page.goto(f"{console.url}/users")
    expect(page.get_by_role("link", name=ATTACKER)).to_be_visible()
    stays_text(page, 2)
    page.goto(f"{console.url}/")
    expect(rows(page, NEWEST).first).to_be_visible()
    open_row(page, name=NEWEST)
    stays_text(page, 2)


def stays_text(page: Page, at_least: int) -> None:
    """The attack is on the page, as text, and has made no element."""
    assert page.get_by_text(ATTACK).count() >= at_least
    assert page.locator("main img").count() == 0
    assert page.evaluate("window.attacked") is None


def test_given_a_viewer_then_events_users_and_the_live_tail_are_hidden(
    browse: Browse, console: Console
) -> None:
    page = browse("/", VIEWER)
    expect(page.get_by_role("region", name="Top pages")).to_be_visible()
    navigation = page.get_by_role("navigation", name="Pages")
    expect(navigation.get_by_role("link", name="Catalogue")).to_be_visible()
    for name in ("Events", "Users"):
        expect(navigation.get_by_role("link", name=name, exact=True)).to_have_count(0)
    expect(page.get_by_role("region", name="Newest events", exact=True)).to_have_count(0)
    place = page.evaluate("fetch('/api/v1/live').then(answer => answer.json())")["url"]
    assert page.request.get(f"{place}/api/v1/live/events").status == 403
    for path in ("/event-log?tail=1", "/users", "/users/details?user_id=usr_1"):
        page.goto(console.url + path)
        expect(page.get_by_role("region", name="This is not for your role")).to_be_visible()
        expect(page.get_by_text("usr_1")).to_have_count(0)


@pytest.mark.parametrize(("name", "look"), LOOKS.items())
def test_given_a_screen_then_everything_fits_it_and_axe_finds_nothing(
    browse: Browse, console: Console, name: str, look: dict[str, Any]
) -> None:
    page = browse("/event-log?event_type=page_view&event_type=click&tail=1", ANALYST, **look)
    expect(page.get_by_role("region", name="Live tail", exact=True).get_by_role("status")).to_have_text(
        "Live"
    )
    open_row(page)
    looks_right(page, f"events-{name}")
    page.get_by_role("button", name=re.compile("^Types")).click()
    expect(page.get_by_label("Find or name a type")).to_be_visible()
    looks_right(page, f"events-types-{name}")
    page.goto(f"{console.url}/event-log?user_id=nobody")
    expect(page.get_by_role("region", name="No events")).to_be_visible()
    looks_right(page, f"events-none-{name}")
    page.goto(f"{console.url}/users")
    expect(table(page, "Users, the last seen first")).to_be_visible()
    looks_right(page, f"users-{name}")
    page.goto(f"{console.url}/users/details?user_id=usr_1")
    expect(rows(page)).to_have_count(3)
    open_row(page)
    looks_right(page, f"user-{name}")
    page.goto(console.url)
    expect(rows(page, NEWEST).first).to_be_visible()
    looks_right(page, f"live-tail-{name}")


def looks_right(page: Page, name: str) -> None:
    """Keep a picture of a page, which has no fault that a machine finds."""
    keep_picture(page, name)
    assert fits(page)
    assert accessibility_faults(page) == []
