"""The console's settings, in a browser over a real collector."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from beatline.accounts.access import Role
from tests.fixtures.consoles import LOOKS, PHONE, Browse, Console, accessibility_faults, fits, keep_picture
from tests.fixtures.people import PASSWORD

BOSS = "boss@example.com"
SECTIONS = {
    "profile": "Profile", "password": "Password", "notifications": "Notifications",
    "logins": "Login sessions", "tokens": "API tokens", "projects": "Projects",
    "members": "Members of default", "accounts": "Accounts", "audit-log": "Audit log", "jobs": "Jobs",
}  # fmt: skip
PAGES = [
    "Live", "Events", "Users", "Reports", "Alerts", "Catalogue", "Rejected events", "Sources", "Settings",
]  # fmt: skip


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def confirm(page: Page, label: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=label, exact=True).click()


def told(page: Page) -> Locator:
    return page.locator(".toasts")


def links(page: Page, navigation: str) -> list[str]:
    return page.get_by_role("navigation", name=navigation).get_by_role("link").all_inner_texts()


def test_given_a_name_then_it_is_shown_from_then_on(browse: Browse) -> None:
    page = browse("/settings/profile", BOSS)
    page.get_by_label("Name", exact=True).fill("The Boss <b>")
    page.get_by_role("button", name="Save").click()

    expect(told(page)).to_contain_text("Your name is saved.")
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("The Boss <b>")
    expect(page.get_by_role("button", name="Account of The Boss <b>")).to_be_visible()


def test_given_a_new_password_then_it_signs_in_and_other_sessions_are_over(
    browse: Browse, console: Console
) -> None:
    console.join("carol@example.com", Role.VIEWER)
    other = browse("/settings/profile", "carol@example.com")
    page = browse("/settings/password", "carol@example.com")
    page.get_by_label("Current password").fill("not this one")
    page.get_by_label("New password").fill("another good one")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_have_text("The current password is wrong.")

    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()

    expect(told(page)).to_contain_text("Your password is changed.")
    expect(page.get_by_label("Current password")).to_have_value("")
    other.reload()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    given = {"email": "carol@example.com", "password": "another good one"}
    assert httpx.post(f"{console.url}/api/v1/auth/login", json=given).status_code == 200


def test_given_two_sessions_then_the_other_one_can_be_revoked(browse: Browse, console: Console) -> None:
    console.join("dave@example.com", Role.VIEWER)
    other = browse("/settings/profile", "dave@example.com", user_agent="Test/1.0 (X11; Linux) Firefox/140.0")
    page = browse("/settings/logins", "dave@example.com")
    expect(row(page, "Firefox on Linux")).to_have_count(1)

    row(page, "this one").get_by_role("button").wait_for(state="detached")
    row(page, "Firefox on Linux").get_by_role("button", name="Revoke").click()

    expect(row(page, "Firefox on Linux")).to_have_count(0)
    other.reload()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_given_a_new_token_then_it_opens_what_its_scopes_say_until_it_is_revoked(
    browse: Browse, console: Console
) -> None:
    page = browse("/settings/tokens", BOSS)
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name", exact=True).fill("nightly report")
    page.get_by_role("checkbox", name="Counts and rolling metrics").uncheck()
    page.get_by_role("checkbox", name="See the catalogue").check()
    page.get_by_role("button", name="Make the token").click()
    token = page.get_by_role("region", name="API token", exact=True).inner_text()
    keep_picture(page, "settings-new-token")
    page.get_by_role("button", name="I have kept it").click()
    assert token not in page.content()

    def status(path: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{console.url}/api/v1/projects/1/{path}", headers=headers).status_code

    assert (status("catalogue"), status("rejected-events")) == (200, 403)
    page.get_by_role("button", name="Revoke nightly report").click()
    confirm(page, "Revoke")

    expect(page.get_by_role("heading", name="No tokens yet")).to_be_visible()
    assert status("catalogue") == 401


def test_given_no_scope_then_the_form_says_what_is_missing(browse: Browse) -> None:
    page = browse("/settings/tokens", BOSS)
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name", exact=True).fill("nothing")
    page.get_by_role("checkbox", name="Counts and rolling metrics").uncheck()
    page.get_by_role("button", name="Make the token").click()

    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("scopes")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="New token")).to_be_focused()


def test_given_a_new_account_then_it_can_sign_in_and_its_roles_are_what_was_set(
    browse: Browse, console: Console
) -> None:
    page = browse("/settings/accounts", BOSS)
    page.get_by_role("button", name="New account").click()
    page.get_by_label("E-mail address").fill("erin@example.com")
    page.get_by_role("button", name="Make the account").click()
    password = page.get_by_role("region", name="Password", exact=True).inner_text()
    page.get_by_role("button", name="I have kept it").click()
    page.get_by_label("Role of erin@example.com in all projects").select_option("viewer")
    expect(told(page)).to_contain_text("erin@example.com is viewer of all projects now.")

    page.goto(f"{console.url}/settings/members?project=2")
    page.get_by_label("E-mail address").fill("erin@example.com")
    page.get_by_label("Role", exact=True).select_option("analyst")
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_label("Role of erin@example.com")).to_have_value("analyst")

    given = {"email": "erin@example.com", "password": password}
    tokens = httpx.post(f"{console.url}/api/v1/auth/login", json=given).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    account = httpx.get(f"{console.url}/api/v1/account", headers=headers).json()
    may_read_events = {known["name"]: "events:read" in known["permissions"] for known in account["projects"]}
    assert may_read_events == {"default": False, "shop": True}


def test_given_an_account_then_it_can_be_disabled_reset_and_deleted(browse: Browse, console: Console) -> None:
    console.join("frank@example.com", Role.VIEWER)
    page = browse("/settings/accounts", BOSS)
    frank = row(page, "frank@example.com")

    frank.get_by_role("button", name="Disable").click()
    confirm(page, "Disable")
    expect(frank).to_contain_text("disabled")
    given = {"email": "frank@example.com", "password": PASSWORD}
    assert httpx.post(f"{console.url}/api/v1/auth/login", json=given).status_code == 401
    frank.get_by_role("button", name="Enable").click()
    expect(frank).to_contain_text("open")
    frank.get_by_role("button", name="Reset password").click()
    confirm(page, "Reset password")
    given["password"] = page.get_by_role("region", name="Password", exact=True).inner_text()
    assert httpx.post(f"{console.url}/api/v1/auth/login", json=given).status_code == 200
    page.get_by_role("button", name="I have kept it").click()
    frank.get_by_role("button", name="Delete").click()
    confirm(page, "Delete")
    expect(frank).to_have_count(0)


def test_given_the_last_admin_then_the_refusal_is_told_and_nothing_changes(browse: Browse) -> None:
    page = browse("/settings/accounts", BOSS)
    role = page.get_by_label(f"Role of {BOSS} in all projects")

    role.select_option("viewer")

    expect(told(page)).to_contain_text("the last admin of all projects stays one")
    expect(role).to_have_value("admin")


def test_given_a_project_then_it_can_be_made_renamed_and_paused(browse: Browse, console: Console) -> None:
    page = browse("/settings/projects", BOSS)
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name", exact=True).fill("shop")
    page.get_by_role("button", name="Make the project").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("shop")
    page.get_by_label("Name", exact=True).fill("blog")
    page.get_by_role("button", name="Make the project").click()
    expect(row(page, "blog")).to_contain_text("takes events")
    expect(page.get_by_label("Project", exact=True)).to_contain_text("blog")  # the switcher knows it

    page.get_by_role("button", name="Rename blog").click()
    page.get_by_label("Name", exact=True).fill("news")
    page.get_by_role("button", name="Rename", exact=True).click()
    page.get_by_role("button", name="Pause news").click()
    confirm(page, "Pause")

    expect(row(page, "news")).to_contain_text("paused")
    page.goto(f"{console.url}/settings/audit-log?action=project+changed")
    first = page.get_by_role("row").nth(1)
    expect(first).to_contain_text("news")
    first.get_by_role("button").click()
    expect(page.locator(".change")).to_have_text(re.compile(r"paused\s*false\s*true"))


def test_given_many_changes_then_the_log_goes_on_and_is_walked_with_the_keyboard(
    browse: Browse, console: Console
) -> None:
    page = browse("/settings/audit-log", BOSS)
    csrf = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}["csrf_access_token"]
    for number in range(70):
        answer = page.context.request.patch(
            f"{console.url}/api/v1/projects/2",
            data={"name": f"shop {number}"},
            headers={"X-CSRF-TOKEN": csrf},
        )
        assert answer.status == 200
    page.goto(f"{console.url}/settings/audit-log?action=project+changed&of_project=2")
    expect(page.locator(".load-more")).to_contain_text("50 changes shown")
    page.get_by_role("button", name="Load more").click()
    expect(page.locator(".load-more")).to_contain_text("70 changes shown, that is all")

    page.get_by_role("button", name="Details of row 1", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Details of row 2", exact=True)).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("button", name="Details of row 70", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".change")).to_contain_text("shop 0")
    assert page.get_by_role("row").count() < 60  # only those in sight are there
    keep_picture(page, "settings-audit-log-long")
    assert accessibility_faults(page) == []


def test_given_a_viewer_then_what_is_not_theirs_is_hidden_and_refused(
    browse: Browse, console: Console
) -> None:
    console.join("vic@example.com", Role.VIEWER, 1)
    page = browse("/", "vic@example.com")
    expect(page.get_by_role("heading", name="Live")).to_be_visible()
    assert links(page, "Pages") == ["Live", "Reports", "Alerts", "Catalogue", "Settings"]
    expect(page.get_by_label("Project", exact=True)).to_have_count(0)  # there is one only

    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    assert links(page, "Settings") == ["Profile", "Password", "Notifications", "Login sessions", "API tokens"]
    for path in ("/event-log", "/settings/accounts", "/catalogue?project=2"):
        page.goto(f"{console.url}{path}")
        expect(page.get_by_role("heading", name="This is not for your role")).to_be_visible()
    keep_picture(page, "not-allowed")


def test_given_no_role_at_all_then_the_page_says_whom_to_ask(browse: Browse, console: Console) -> None:
    console.join("newcomer@example.com")
    page = browse("/", "newcomer@example.com")

    expect(page.get_by_role("heading", name="You have no project yet")).to_be_visible()


def test_given_another_project_then_every_link_stays_in_it(browse: Browse, console: Console) -> None:
    page = browse("/", BOSS)
    page.get_by_label("Project", exact=True).select_option("2")
    expect(page).to_have_url(f"{console.url}/?project=2")

    page.get_by_role("link", name="Catalogue").click()

    expect(page).to_have_url(f"{console.url}/catalogue?project=2")
    expect(page.get_by_role("main")).to_be_focused()
    page.go_back()
    expect(page).to_have_url(f"{console.url}/?project=2")


def test_given_a_phone_then_the_menu_leads_everywhere_and_closes(browse: Browse, console: Console) -> None:
    page = browse("/", BOSS, **PHONE)
    page.get_by_role("button", name="Menu").click()
    keep_picture(page, "menu-phone")
    assert accessibility_faults(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Menu")).to_be_focused()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Settings").click()

    expect(page).to_have_url(f"{console.url}/settings/profile")
    expect(page.get_by_role("button", name="Menu")).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize("look", LOOKS)
def test_every_section_is_for_everyone(browse: Browse, console: Console, look: str) -> None:
    page, faults = browse("/", BOSS, **LOOKS[look]), {}
    for section, title in SECTIONS.items():
        page.goto(f"{console.url}/settings/{section}")
        page.get_by_role("heading", name=title, exact=True).wait_for()
        page.locator(".skeleton").first.wait_for(state="detached")
        keep_picture(page, f"settings-{section}-{look}")
        faults[section] = accessibility_faults(page) + ([] if fits(page) else ["is wider than the screen"])

    assert faults == {section: [] for section in SECTIONS}


def test_every_page_has_its_title_and_nothing_inaccessible(browse: Browse, console: Console) -> None:
    page, faults = browse("/", BOSS), {}
    page.get_by_role("link", name="Settings").wait_for()
    for label in links(page, "Pages"):
        link = page.get_by_role("navigation", name="Pages").get_by_role("link", name=label, exact=True)
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        heading = page.get_by_role("heading", level=1)
        expect(page).to_have_title(f"{heading.inner_text()} · Beatline")
        faults[label] = accessibility_faults(page)

    assert faults == {label: [] for label in PAGES}
