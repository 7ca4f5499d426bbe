"""Where and what one is told, in the console: devices, preferences, quiet hours, the bell and pushes."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from beatline.accounts.access import Role
from beatline.embedded.postgres import EmbeddedPostgres
from beatline.embedded.valkey import EmbeddedValkey
from beatline.notifications.outbox import Notification, notify
from beatline.settings import Settings
from tests.fixtures.collectors import ROOT, free_port, running_collector, running_live
from tests.fixtures.consoles import LOOKS, Browse, Console, accessibility_faults, fits, keep_picture
from tests.fixtures.databases import TEMPLATE, a_database
from workers.notifications import spread_notifications

ATTACK = "<img src=x onerror=\"window.attacked='yes'\">"
NUMBERS = count()
# The browser's push service is the far edge of the network: what it answers is given here.
PUSH_SERVICE = """
    const bytes = length => new Uint8Array(length).fill(4).buffer;
    PushManager.prototype.getSubscription = async () => null;
    PushManager.prototype.subscribe = async options => {
      window.subscribed = {visible: options.userVisibleOnly, key: options.applicationServerKey.length};
      return {endpoint: 'https://127.0.0.1:9443/push/1', getKey: name => bytes(name === 'auth' ? 16 : 65)};
    };
"""


@pytest.fixture(scope="module")
def console(
    template_database: EmbeddedPostgres,
    valkey_server: EmbeddedValkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Console]:
    """A collector that could send e-mail and reach this machine by webhooks and pushes, and a live server."""
    assert (ROOT / "console" / "dist" / "index.html").is_file(), "the console is not built: make console"
    data, live_port = tmp_path_factory.mktemp("collector"), free_port()
    own: dict[str, Any] = {
        "smtp_url": "smtp://127.0.0.1:2525", "webhook_networks": "127.0.0.0/8", "live_port": live_port,
    }  # fmt: skip
    for database in a_database(template_database.url, TEMPLATE):
        with (
            running_live(live_port, data, database, valkey_server.url),
            running_collector(data, database, valkey_server.url, **own) as url,
        ):
            made = Console(url, database, data)
            made.join("boss@example.com", Role.ADMIN)
            yield made


@pytest.fixture
def email(console: Console) -> str:
    """Somebody new, a viewer of the first project."""
    address = f"vera{next(NUMBERS)}@example.com"
    console.join(address, Role.VIEWER, 1)
    return address


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def told(page: Page) -> Locator:
    return page.locator(".toasts")


def confirm(page: Page, label: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=label, exact=True).click()


def as_somebody(console: Console, email: str) -> httpx.Client:
    """An API client of somebody."""
    given = {"email": email, "password": "correct horse battery"}
    token = httpx.post(f"{console.url}/api/v1/auth/login", json=given).json()["access_token"]
    return httpx.Client(base_url=console.url, headers={"Authorization": f"Bearer {token}"})


def account_of(console: Console, email: str) -> UUID:
    with as_somebody(console, email) as client:
        return UUID(client.get("/api/v1/account").json()["account_id"])


def tell(console: Console, email: str, title: str, **fields: Any) -> None:
    """Tell somebody something."""
    notification = Notification(
        key=f"{email} {title}", kind="watch", title=title, account_ids=[account_of(console, email)],
        **{"body": "", "path": "/alerts", "project_id": 1} | fields,
    )  # fmt: skip
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        notify(connection, notification, datetime.now(UTC))


def test_given_email_then_it_is_turned_on_tried_and_turned_off(browse: Browse, email: str) -> None:
    page = browse("/settings/notifications", email)
    expect(page.get_by_text("Only here, by the bell above.")).to_be_visible()
    page.get_by_role("button", name="Tell me by e-mail").click()
    expect(row(page, email)).to_contain_text("ok")
    expect(page.get_by_role("button", name="Tell me by e-mail")).to_have_count(0)
    row(page, email).get_by_role("button", name="Test").click()
    expect(told(page)).to_contain_text("A test is on its way")
    row(page, email).get_by_role("button", name="Test").click()
    expect(told(page)).to_contain_text("This device was tried within the minute.")
    row(page, email).get_by_role("button", name="Details").click()
    expect(page.get_by_role("list", name="The last that was sent there")).to_contain_text("waiting")
    row(page, email).get_by_role("button", name="Delete").click()
    confirm(page, "Delete")
    expect(page.get_by_role("button", name="Tell me by e-mail")).to_be_visible()


def test_given_a_webhook_then_its_secret_is_shown_once_and_a_place_within_is_refused(
    browse: Browse, email: str
) -> None:
    page = browse("/settings/notifications", email)
    page.get_by_role("button", name="Call a webhook …").click()
    url = page.get_by_label("URL", exact=True)
    url.fill("http://169.254.169.254/latest/meta-data")
    page.get_by_role("button", name="Add the webhook").click()
    expect(url).to_have_attribute("aria-invalid", "true")
    url.fill("http://127.0.0.1:9443/hook")
    page.get_by_label("Name", exact=True).fill(f"Pager {ATTACK}")
    page.get_by_role("button", name="Add the webhook").click()
    secret = page.get_by_role("region", name="Secret", exact=True).inner_text()
    assert secret.startswith("whsec_")
    page.get_by_role("button", name="I have kept it").click()
    expect(row(page, f"Pager {ATTACK}")).to_be_visible()
    page.reload()
    expect(row(page, f"Pager {ATTACK}")).to_be_visible()
    assert secret not in page.content()
    assert page.evaluate("window.attacked") is None


def test_given_a_browser_that_may_then_it_is_registered_and_shows_what_is_pushed(
    browse: Browse, console: Console, email: str
) -> None:
    page = browse("/", email)
    page.context.grant_permissions(["notifications"], origin=console.url)
    page.context.add_init_script(PUSH_SERVICE)
    page.goto(f"{console.url}/settings/notifications")
    workers = page.context.new_cdp_session(page)
    registrations: list[dict[str, Any]] = []
    workers.on(
        "ServiceWorker.workerRegistrationUpdated", lambda seen: registrations.extend(seen["registrations"])
    )
    workers.send("ServiceWorker.enable")
    page.get_by_role("button", name="Notify me in this browser").click()
    expect(told(page)).to_contain_text("You are notified in this browser from now on.")
    expect(row(page, "Chrome on Linux")).to_contain_text("Browser")
    assert page.evaluate("window.subscribed") == {"visible": True, "key": 65}
    with psycopg.connect(console.database_url) as connection:
        [[target]] = connection.execute("select target from devices where channel = 'web_push'").fetchall()
    assert target["endpoint"] == "https://127.0.0.1:9443/push/1"
    assert target["auth"] == urlsafe_b64encode(bytes([4] * 16)).rstrip(b"=").decode()

    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    pushed = {
        "title": "Hardly any checkouts",
        "body": "3 in 15 minutes",
        "url": None,
        "tag": "watch-1",
        "severity": "critical",
    }
    sent = {
        "origin": console.url,
        "registrationId": registrations[-1]["registrationId"],
        "data": json.dumps(pushed),
    }
    workers.send("ServiceWorker.deliverPushMessage", sent)
    workers.send("ServiceWorker.deliverPushMessage", sent | {"data": "no JSON"})
    shown = """async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).map(({title, body, tag}) => [title, body, tag]).sort();
    }"""
    wanted = [["Beatline", "", ""], ["Hardly any checkouts", "3 in 15 minutes", "watch-1"]]
    page.wait_for_function(
        f"(wanted) => ({shown})().then(seen => JSON.stringify(seen) === wanted)",
        arg=json.dumps(wanted, separators=(",", ":")),
    )


def test_given_a_browser_that_may_not_then_it_says_how_to_change_that(browse: Browse, email: str) -> None:
    page = browse("/settings/notifications", email)
    page.evaluate("Notification.requestPermission = async () => 'denied'")
    page.get_by_role("button", name="Notify me in this browser").click()
    expect(told(page)).to_contain_text("This browser does not let the console notify you.")
    expect(page.get_by_text("Only here, by the bell above.")).to_be_visible()


def test_given_preferences_and_quiet_hours_then_they_are_what_is_shown_from_then_on(
    browse: Browse, console: Console, email: str
) -> None:
    page = browse("/settings/notifications", email, timezone_id="Europe/Berlin")
    page.get_by_label("Watches, by E-mail").select_option("critical")
    page.get_by_label("Exports, by Browser").select_option("nothing")
    page.get_by_label("Send nothing to my devices").check()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    page.get_by_label("From", exact=True).fill("21:30")
    page.get_by_label("To", exact=True).fill("21:30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("To", exact=True).fill("06:00")
    for day in ("Sat", "Sun"):
        page.get_by_label(day, exact=True).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(told(page)).to_contain_text("Saved.")
    with as_somebody(console, email) as client:
        stored = client.get("/api/v1/notifications/preferences").json()
    chosen = {(each["kind"], each["channel"]): each for each in stored["preferences"]}
    assert chosen["watch", "email"]["minimum_severity"] == "critical"
    assert not chosen["export", "web_push"]["enabled"]
    others = [
        each for place, each in chosen.items() if place not in {("watch", "email"), ("export", "web_push")}
    ]
    assert all(each["enabled"] and each["minimum_severity"] == "info" for each in others)
    assert stored["quiet_hours"] == {
        "from": "21:30", "to": "06:00", "time_zone": "Europe/Berlin", "days": [1, 2, 3, 4, 5],
        "critical_passes": True,
    }  # fmt: skip
    page.reload()
    expect(page.get_by_label("Watches, by E-mail")).to_have_value("critical")
    expect(page.get_by_label("From", exact=True)).to_have_value("21:30")
    expect(page.get_by_label("Sun", exact=True)).not_to_be_checked()


def test_given_news_then_the_bell_counts_it_until_it_is_read(
    browse: Browse, console: Console, email: str
) -> None:
    tell(console, email, f"First {ATTACK}", severity="critical", body="It fires")
    tell(console, email, "Second", path=None)
    tell(console, email, "Third", path="/reports", project_id=None)
    page = browse("/settings/profile", email)
    page.get_by_role("button", name="Notifications, 3 unread ones").click()
    inbox = page.get_by_role("list", name="Notifications, the newest first")
    expect(inbox.get_by_role("listitem")).to_have_count(3)
    expect(inbox.get_by_role("listitem").first).to_contain_text("Third")
    inbox.get_by_role("link", name="First").click()
    expect(page).to_have_url(f"{console.url}/alerts?project=1")
    page.get_by_role("button", name="Notifications, 2 unread ones").click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_visible()
    assert page.evaluate("window.attacked") is None


def test_given_the_console_is_open_then_news_come_by_themselves_once(
    browse: Browse, console: Console, redis_url: str, email: str
) -> None:
    settings = Settings(database_url=console.database_url, redis_url=redis_url, data=console.data)
    page = browse("/", email)
    with page.expect_websocket(lambda socket: "/live/notifications" in socket.url) as opened:
        page.goto(f"{console.url}/settings/profile")
    opened.value.wait_for_event("framereceived", lambda text: "ready" in text)
    expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_visible()
    tell(console, email, f"Fires {ATTACK}", severity="critical", body="now")
    spread_notifications(settings, datetime.now(UTC))
    expect(told(page)).to_contain_text(f"Fires {ATTACK}: now")
    expect(page.get_by_role("button", name="Notifications, 1 unread one")).to_be_visible()
    told(page).get_by_role("link", name="Show").click()
    expect(page).to_have_url(f"{console.url}/alerts?project=1")
    expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_visible()
    tell(console, email, "Quiet", path=None)
    page.reload()  # what was not streamed is in the inbox at the next `ready`
    page.get_by_role("button", name="Notifications, 1 unread one").click()
    page.get_by_role("button", name="Quiet (unread)").click()
    expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_visible()


@pytest.mark.parametrize(("name", "look"), LOOKS.items())
def test_given_a_screen_then_everything_fits_it_and_axe_finds_nothing(
    browse: Browse, console: Console, email: str, name: str, look: dict[str, Any]
) -> None:
    tell(
        console,
        email,
        "Hardly any checkouts",
        severity="critical",
        body="3 events of type checkout in 15 minutes",
    )
    page = browse("/settings/notifications", email, **look)
    page.get_by_role("button", name="Tell me by e-mail").click()
    row(page, email).get_by_role("button", name="Details").click()
    page.get_by_label("Send nothing to my devices").check()
    expect(page.get_by_label("Time zone")).to_be_visible()
    looks_right(page, f"settings-notifications-{name}")
    page.get_by_role("button", name="Notifications, 1 unread one").click()
    expect(page.get_by_role("list", name="Notifications, the newest first")).to_be_visible()
    looks_right(page, f"bell-{name}")
    page.goto(f"{console.url}/settings/notifications")
    page.get_by_role("button", name="Call a webhook …").click()
    looks_right(page, f"settings-webhook-{name}")


def looks_right(page: Page, name: str) -> None:
    """Keep a picture; nothing of it is beside the screen or hard to use."""
    keep_picture(page, name)
    assert accessibility_faults(page) == []
    assert fits(page)
