"""The tracker in a browser, on pages of another origin than the collector; what counts is what is stored."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page
from psycopg.rows import dict_row

from beatline.embedded.postgres import EmbeddedPostgres
from beatline.embedded.valkey import EmbeddedValkey
from tests.e2e.conftest import ROOT
from tests.fixtures.collectors import running_collector
from tests.fixtures.databases import TEMPLATE, a_database
from tests.fixtures.sites import BATCH, Gate, gate_before, site
from tests.fixtures.storage import wait_until

SCRIPT = ROOT / "tracker" / "dist" / "tracker.js"
SIZE_LIMIT = 4_096
VIEWPORT = {"width": 1280, "height": 800}
BERLIN = {"latitude": 52.52, "longitude": 13.405, "accuracy": 25}
STUB = """
window.beatline = window.beatline || { early: [] };
for (const name of ["track", "identify", "page", "location", "reset", "optOut", "optIn"])
  beatline[name] ??= (...call) => beatline.early.push([name, ...call]);
"""
QUEUE_EMPTY = "() => !Object.keys(localStorage).some((key) => key.includes('.q.'))"
Row = dict[str, Any]


@pytest.fixture(scope="module")
def database(template_database: EmbeddedPostgres) -> Iterator[str]:
    yield from a_database(template_database.url, TEMPLATE)


@pytest.fixture(scope="module")
def collector(
    database: str, valkey_server: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    assert SCRIPT.is_file(), "the tracker is not built: make tracker"
    folder = tmp_path_factory.mktemp("collector")
    with running_collector(folder, database, valkey_server.url, max_batch_events=50) as url:
        yield url


@pytest.fixture
def gate(collector: str) -> Iterator[Gate]:
    with gate_before(collector) as gate:
        yield gate


class Shop:
    """A site with the tracker on every page, its visitors' browsers, and what was stored of them."""

    def __init__(self, browser: Browser, database: str, gate: Gate, stack: ExitStack) -> None:
        self.browser, self.database, self.gate, self.stack = browser, database, gate, stack
        self.script, self.attributes, self.early = "/tracker.js", "", ""
        self.url = stack.enter_context(site(self.html))
        self.contexts: list[BrowserContext] = []

    def html(self, path: str) -> str:
        """A page of the shop, titled by its path."""
        return f"""<!doctype html><title>Page {escape(path.partition("?")[0])}</title>
            <script>{STUB}{self.early}</script>
            <script async src="{self.gate.url}{self.script}" {self.attributes}></script>
            <button data-beatline-event="buy" data-beatline-product-id="7" data-beatline-size="9">
              <b>Buy</b>
            </button>
            <a href="/elsewhere" data-beatline-event="leave">Leave</a>"""

    def visitor(self, **options: Any) -> BrowserContext:
        """A browser of its own."""
        context = self.browser.new_context(viewport=VIEWPORT, **options)
        self.contexts.append(context)
        return context

    def open(self, path: str = "/", visitor: BrowserContext | None = None) -> Page:
        """Open a page, with the tracker at work."""
        page = (visitor or self.visitor()).new_page()
        page.goto(self.url + path)
        page.wait_for_function("() => window.beatline && !window.beatline.early")
        return page

    def rows(self) -> list[Row]:
        """What is stored of this site, in the order of its happening; page_url is without the origin."""
        with psycopg.connect(self.database, row_factory=dict_row) as connection:
            statement = "select * from events where starts_with(page_url, %s) order by event_id"
            rows = connection.execute(statement, [self.url]).fetchall()
        return [row | {"page_url": row["page_url"].removeprefix(self.url)} for row in rows]

    def stored(self, page: Page, count: int) -> list[Row]:
        """Wait until everything was acknowledged; then so many events are stored, each once."""
        page.wait_for_function(QUEUE_EMPTY, timeout=20_000)
        return self.stored_once(count)

    def stored_once(self, count: int) -> list[Row]:
        """Wait for so many stored events; more are an error."""
        wait_until(lambda: len(self.rows()) >= count)
        rows = self.rows()
        assert len(rows) == count, rows
        assert len({row["event_id"] for row in rows}) == count
        return rows


@pytest.fixture
def shop(browser: Browser, database: str, gate: Gate) -> Iterator[Shop]:
    with ExitStack() as stack:
        shop = Shop(browser, database, gate, stack)
        yield shop
        for context in shop.contexts:
            context.close()


def types(rows: list[Row]) -> list[str]:
    return [row["event_type"] for row in rows]


def pages(rows: list[Row]) -> list[str]:
    assert set(types(rows)) <= {"page_view"}
    return [row["page_url"] for row in rows]


def close(page: Page) -> None:
    """Close a tab as its visitor does: the page hears of it."""
    with page.expect_event("close"):
        page.close(run_before_unload=True)


# What is stored


def test_given_a_visit_then_its_page_view_is_stored_field_by_field(shop: Shop) -> None:
    before = datetime.now(UTC)
    page = shop.open("/shoes?utm_source=mail&utm_medium=newsletter&size=9#reviews")

    [row] = shop.stored(page, 1)
    assert row["page_url"] == "/shoes?utm_source=mail&utm_medium=newsletter&size=9"
    assert row["event_type"] == "page_view"
    assert row["properties"] == {
        "title": "Page /shoes", "screen_width": 1280, "screen_height": 800,
        "utm_source": "mail", "utm_medium": "newsletter",
    }  # fmt: skip
    assert row["event_id"].version == 7
    assert UUID(row["anonymous_id"])
    assert UUID(row["session_id"])
    assert row["user_id"] is None
    assert before - timedelta(seconds=1) < row["ts"] <= row["received_at"]


def test_given_a_single_page_application_then_each_page_counts_once(shop: Shop) -> None:
    page = shop.open("/start")
    page.evaluate("""() => {
        history.pushState({}, "", "/a"); document.title = "A";
        history.replaceState({ scroll: 5 }, "", "/a");
        history.pushState({}, "", "/a#part");
    }""")
    page.evaluate("() => { history.pushState({}, '', '/b'); document.title = 'B' }")
    page.go_back()
    page.go_back()

    rows = shop.stored(page, 4)
    assert pages(rows) == ["/start", "/a", "/b", "/a"]
    assert [row["properties"]["title"] for row in rows[:3]] == ["Page /start", "A", "B"]
    assert [row["properties"].get("referrer") for row in rows[:3]] == [
        None, f"{shop.url}/start", f"{shop.url}/a"
    ]  # fmt: skip
    assert len({(row["anonymous_id"], row["session_id"]) for row in rows}) == 1


def test_given_hash_mode_then_fragments_are_pages(shop: Shop) -> None:
    shop.attributes = "data-hash"
    page = shop.open("/app#/cart")
    page.evaluate("() => { location.hash = '#/pay' }")
    assert pages(shop.stored(page, 2)) == ["/app#/cart", "/app#/pay"]


def test_given_a_way_back_through_the_cache_then_the_page_counts_again(shop: Shop) -> None:
    page = shop.open("/one")
    page.goto(f"{shop.url}/two")
    page.go_back()
    rows = shop.stored(page, 3)
    assert pages(rows) == ["/one", "/two", "/one"]


def test_given_attributes_then_clicks_are_events_with_properties(shop: Shop) -> None:
    shop.attributes = "data-manual"
    page = shop.open("/shoes")
    page.get_by_text("Buy").click()
    page.get_by_text("Leave").click()
    page.wait_for_url("**/elsewhere")

    rows = shop.stored(page, 2)
    assert [(row["event_type"], row["page_url"], row["properties"]) for row in rows] == [
        ("buy", "/shoes", {"product_id": "7", "size": "9"}),
        ("leave", "/shoes", {}),
    ]


def test_given_calls_before_and_after_loading_then_all_are_stored_with_who_they_are_from(shop: Shop) -> None:
    shop.early = "beatline.identify('usr_1', { plan: 'pro' });"
    page = shop.open("/")
    page.evaluate("() => beatline.track('search', { words: ['red', 'shoes'], results: 3, exact: false })")
    page.evaluate("() => beatline.page({ section: 'shoes' })")
    page.evaluate("() => { beatline.reset(); beatline.track('after the logout') }")

    identify, view, search, again, after = shop.stored(page, 5)
    assert (identify["event_type"], identify["properties"]) == ("$identify", {"plan": "pro"})
    assert view["event_type"] == again["event_type"] == "page_view"
    assert search["properties"] == {"words": ["red", "shoes"], "results": 3, "exact": False}
    assert again["properties"]["section"] == "shoes"
    assert {row["user_id"] for row in (identify, view, search, again)} == {"usr_1"}
    assert len({row["anonymous_id"] for row in (identify, view, search, again)}) == 1
    assert after["user_id"] is None
    assert after["anonymous_id"] != search["anonymous_id"]
    assert after["session_id"] != search["session_id"]


def test_given_identify_then_the_users_traits_and_anonymous_past_are_known(shop: Shop) -> None:
    page = shop.open()
    page.evaluate("() => beatline.identify('usr_traits', { email: 'a@example.com' })")
    view, identify = shop.stored(page, 2)
    assert view["anonymous_id"] == identify["anonymous_id"]
    with psycopg.connect(shop.database) as connection:
        user = connection.execute("select traits from users where user_id = 'usr_traits'").fetchone()
    assert user == ({"email": "a@example.com"},)


def test_given_permission_then_the_location_is_stored_when_it_is_asked_for(shop: Shop) -> None:
    page = shop.open("/near", shop.visitor(geolocation=BERLIN, permissions=["geolocation"]))
    assert types(shop.stored(page, 1)) == ["page_view"]
    page.evaluate("() => beatline.location({ why: 'delivery' })")
    page.wait_for_function(f"() => !({QUEUE_EMPTY})()")

    [_, row] = shop.stored(page, 2)
    assert (row["event_type"], row["properties"]) == ("location", BERLIN | {"why": "delivery"})


def test_given_a_write_key_then_events_are_its_projects(shop: Shop, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        [(project,)] = connection.execute(
            "insert into projects (name) values ('shop') returning project_id"
        ).fetchall()
        connection.execute("insert into write_keys values ('wk_shop', %s)", [project])
    shop.attributes = 'data-write-key="wk_shop"'
    page = shop.open()
    assert [row["project_id"] for row in shop.stored(page, 1)] == [project]


def test_given_an_unknown_write_key_then_events_are_dropped_with_a_warning(shop: Shop) -> None:
    shop.attributes = 'data-write-key="wk_nobody"'
    visitor = shop.visitor()
    page = visitor.new_page()
    with page.expect_console_message(lambda message: "beatline:" in message.text) as warning:
        page.goto(shop.url)
    assert "401" in warning.value.text
    page.wait_for_function(QUEUE_EMPTY)
    assert shop.rows() == []


# Whatever the network does


def test_given_no_network_then_events_wait_and_are_sent_when_it_is_back(shop: Shop) -> None:
    visitor = shop.visitor()
    page = shop.open("/", visitor)
    shop.stored(page, 1)
    visitor.set_offline(True)
    happened = datetime.now(UTC)
    for number in range(3):
        page.evaluate("number => beatline.track('offline', { number })", number)
    page.evaluate("() => history.pushState({}, '', '/offline')")
    page.wait_for_timeout(1_500)  # time for an attempt that fails
    assert len(shop.rows()) == 1
    visitor.set_offline(False)

    rows = shop.stored(page, 5)
    assert types(rows) == ["page_view", "offline", "offline", "offline", "page_view"]
    assert [row["properties"]["number"] for row in rows[1:4]] == [0, 1, 2]
    assert all(abs(row["ts"] - happened) < timedelta(seconds=1) for row in rows[1:])


def test_given_the_page_is_closed_offline_then_the_next_one_sends_what_it_left(shop: Shop) -> None:
    visitor = shop.visitor()
    page = shop.open("/", visitor)
    shop.stored(page, 1)
    visitor.set_offline(True)
    page.evaluate("() => beatline.track('offline')")
    close(page)
    visitor.set_offline(False)

    page = shop.open("/later", visitor)
    assert types(shop.stored(page, 3)) == ["page_view", "offline", "page_view"]


@pytest.mark.parametrize("state", ["shut", "deaf", 503, 500])
def test_given_a_collector_in_trouble_then_events_survive_a_reload(
    shop: Shop, gate: Gate, state: str | int
) -> None:
    gate.state = state
    page = shop.open("/")
    gate.wait_for(batches=1)
    page.reload()
    page.evaluate("() => beatline.track('x')")
    gate.wait_for(batches=2)
    gate.open()
    assert types(shop.stored(page, 3)) == ["page_view", "page_view", "x"]
    assert len(gate.event_ids) > 3


def test_given_retry_after_then_the_collector_is_left_alone_so_long(shop: Shop, gate: Gate) -> None:
    gate.state, gate.answer_headers = 429, {"Retry-After": "3"}
    page = shop.open("/")
    gate.wait_for(batches=1)
    asked = datetime.now(UTC)
    gate.open()
    page.goto(f"{shop.url}/next")
    shop.stored(page, 2)
    assert datetime.now(UTC) - asked > timedelta(seconds=2.9)
    assert len(gate.bodies) == 2


@pytest.mark.parametrize("way", ["close", "navigate"])
@pytest.mark.parametrize("state", ["held", "deaf"])
def test_given_the_tab_goes_while_it_sends_then_everything_is_stored_once(
    shop: Shop, gate: Gate, state: str, way: str
) -> None:
    visitor = shop.visitor()
    keeper = visitor.new_page()
    gate.state = state
    page = shop.open("/", visitor)
    page.evaluate("() => beatline.track('before')")
    gate.wait_for(batches=1)
    page.evaluate("() => beatline.track('last words')")
    if way == "close":
        close(page)
    else:
        page.goto("about:blank")
    gate.open()
    if state == "held":  # the beacon brings what the interrupted request did not
        assert types(shop.stored_once(3)) == ["page_view", "before", "last words"]

    keeper.goto(f"{shop.url}/back")
    assert types(shop.stored(keeper, 4)) == ["page_view", "before", "last words", "page_view"]


def test_given_the_page_is_left_at_once_then_its_beacon_tells(shop: Shop) -> None:
    shop.attributes = "data-manual"
    page = shop.open("/")
    page.evaluate(
        "() => { for (let i = 0; i < 50; i++) beatline.track('quick', { text: 'é'.repeat(1_000) }) }"
    )
    page.goto("about:blank")
    wait_until(lambda: len(shop.rows()) > 20)  # what fits into a beacon

    page.goto(shop.url)
    assert set(types(shop.stored(page, 50))) == {"quick"}


def test_given_two_tabs_then_neither_loses_the_others_events(shop: Shop, gate: Gate) -> None:
    gate.state = "shut"
    visitor = shop.visitor()
    tabs = [shop.open("/one", visitor), shop.open("/two", visitor)]
    for number in range(20):
        tabs[number % 2].evaluate("number => beatline.track('tab', { number })", number)
    close(tabs[0])
    gate.open()

    rows = shop.stored(tabs[1], 22)
    assert [row["properties"]["number"] for row in rows[2:]] == list(range(20))
    assert len({(row["anonymous_id"], row["session_id"]) for row in rows}) == 1


def test_given_more_events_than_a_batch_may_have_then_it_is_split(shop: Shop) -> None:
    shop.attributes = "data-manual"
    page = shop.open("/")
    page.evaluate("() => { for (let number = 0; number < 90; number++) beatline.track('many', { number }) }")
    rows = shop.stored(page, 90)
    assert [row["properties"]["number"] for row in rows] == list(range(90))


def test_given_a_wrong_clock_then_times_are_corrected(shop: Shop) -> None:
    visitor = shop.visitor()
    ahead = datetime.now(UTC) + timedelta(hours=5)
    visitor.clock.install(time=ahead)
    page = shop.open("/", visitor)
    visitor.clock.run_for(2_000)
    [row] = shop.stored(page, 1)
    assert abs(row["ts"] - datetime.now(UTC)) < timedelta(seconds=20)
    assert row["properties"]["$client_timestamp"].startswith(f"{ahead:%Y-%m-%dT%H}")


# Privacy


DO_NOT_TRACK = "Object.defineProperty(Navigator.prototype, 'doNotTrack', { get: () => '1' })"
PRIVACY_CONTROL = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })"


@pytest.mark.parametrize("wish", [DO_NOT_TRACK, PRIVACY_CONTROL], ids=["DNT", "GPC"])
def test_given_a_visitor_who_wants_no_tracking_then_nothing_is_sent_or_stored(
    shop: Shop, gate: Gate, wish: str
) -> None:
    visitor = shop.visitor()
    visitor.add_init_script(wish)
    page = shop.open("/", visitor)
    page.evaluate("() => { beatline.identify('usr_dnt'); beatline.track('x'); beatline.page() }")
    page.get_by_text("Buy").click()
    page.wait_for_timeout(1_000)  # longer than events gather
    assert page.evaluate("() => localStorage.length + document.cookie.length") == 0
    page.goto("about:blank")
    assert gate.bodies == []


def test_given_a_site_that_ignores_do_not_track_then_it_tracks(shop: Shop) -> None:
    shop.attributes = "data-ignore-dnt"
    visitor = shop.visitor()
    visitor.add_init_script(DO_NOT_TRACK)
    page = shop.open("/", visitor)
    assert types(shop.stored(page, 1)) == ["page_view"]


def test_given_an_opt_out_then_it_holds_until_the_opt_in(shop: Shop) -> None:
    page = shop.open("/")
    shop.stored(page, 1)
    page.evaluate("() => { beatline.track('dropped'); beatline.optOut(); beatline.track('never') }")
    page.goto(f"{shop.url}/unseen")
    page.evaluate("() => beatline.track('never')")
    assert page.evaluate("() => Object.keys(localStorage)") == ["beatline.out"]
    page.evaluate("() => beatline.optIn()")
    assert pages(shop.stored(page, 2)) == ["/", "/unseen"]


def test_given_no_storage_then_events_are_sent_all_the_same(shop: Shop) -> None:
    visitor = shop.visitor()
    visitor.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied') } })"
    )
    page = shop.open("/", visitor)
    page.evaluate("() => beatline.track('x')")
    rows = shop.stored_once(2)
    assert types(rows) == ["page_view", "x"]
    assert rows[0]["anonymous_id"] == rows[1]["anonymous_id"]


# How the script is served


def test_given_the_alias_then_it_is_cached_for_minutes_by_any_origin(collector: str) -> None:
    answer = httpx.get(f"{collector}/tracker.js", headers={"Accept-Encoding": "identity"})

    assert answer.content == SCRIPT.read_bytes()
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Vary"] == "Accept-Encoding"
    again = httpx.get(f"{collector}/tracker.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_given_gzip_then_the_script_is_small(collector: str) -> None:
    with httpx.stream("GET", f"{collector}/tracker.js", headers={"Accept-Encoding": "gzip"}) as answer:
        compressed = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(compressed) <= SIZE_LIMIT
    assert gzip.decompress(compressed) == SCRIPT.read_bytes()


def test_given_a_version_then_it_is_cached_for_ever_and_others_are_unknown(collector: str) -> None:
    path = httpx.get(f"{collector}/tracker.js").headers["Content-Location"]
    answer = httpx.get(collector + path)
    assert answer.content == SCRIPT.read_bytes()
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"

    unknown = httpx.get(f"{collector}/tracker/0000000000000000/tracker.js")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert unknown.headers["Cache-Control"] == "no-store"


def test_given_no_build_then_the_answer_says_what_to_do(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("collector.tracker.SCRIPT", tmp_path / "tracker.js")
    for path in ("/tracker.js", "/tracker/0000000000000000/tracker.js"):
        answer = client.get(path)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
        assert "make up" in answer.json["message"]


def test_given_the_versions_address_then_the_browser_asks_once_and_events_go_home(
    shop: Shop, gate: Gate
) -> None:
    shop.script = httpx.get(f"{gate.url}/tracker.js").headers["Content-Location"]
    page = shop.open("/one")
    page.goto(f"{shop.url}/two")
    assert pages(shop.stored(page, 2)) == ["/one", "/two"]
    assert gate.paths.count(shop.script) == 1


def test_given_events_then_they_need_no_preflight(shop: Shop, gate: Gate) -> None:
    methods: list[str] = []
    visitor = shop.visitor()
    page = visitor.new_page()
    page.on("request", lambda request: methods.append(request.method) if BATCH in request.url else None)
    page.goto(shop.url)
    shop.stored(page, 1)
    assert methods == ["POST"]
    assert gate.bodies[0].keys() == {"events", "sent_at"}
