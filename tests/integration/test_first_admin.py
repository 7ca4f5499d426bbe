"""The first account: one, however many start at once, and its password said once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from click.testing import CliRunner

from beatline.accounts.access import Role
from beatline.accounts.first_admin import first_admin
from beatline.accounts.people import check_password, create_account, list_accounts
from beatline.cli import cli
from beatline.errors import StartError
from beatline.events import utc_now
from beatline.settings import Settings

EMAIL = "owner@example.com"


def test_given_no_account_then_the_migration_makes_one_and_says_its_password_once(
    owner_url: str, connection: psycopg.Connection
) -> None:
    given = {"BEATLINE_DATABASE_URL": owner_url, "BEATLINE_ADMIN_EMAIL": "Owner@Example.com"}

    first, second = (CliRunner().invoke(cli, ["migrate"], env=given) for _ in range(2))

    (password,) = re.findall(rf"Made the account {EMAIL} with the password (\S+)", first.output)
    account_id = check_password(connection, EMAIL, password)
    [account] = list_accounts(connection)
    assert (account.account_id, account.roles) == (account_id, {None: Role.ADMIN})
    assert (second.exit_code, second.output) == (0, "Migrated; the engine is postgres.\n")


def test_given_many_first_starts_at_once_then_one_account_is_made(
    owner_url: str, connection: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(8) as threads:
        passwords = list(threads.map(first_admin, [owner_url] * 8, [EMAIL] * 8))

    [password] = filter(None, passwords)
    assert check_password(connection, EMAIL, password)
    assert len(list_accounts(connection)) == 1


def test_given_any_account_then_none_is_made(owner_url: str, connection: psycopg.Connection) -> None:
    create_account(connection, "ann@example.com", "", "a long password", utc_now())

    assert first_admin(owner_url, EMAIL) is None


def test_it_is_in_the_audit_log_without_its_password(owner_url: str, connection: psycopg.Connection) -> None:
    password = first_admin(owner_url, EMAIL)

    [(row,)] = connection.execute("select audit_log::text from audit_log").fetchall()
    assert "account made" in row
    assert EMAIL in row
    assert str(password) not in row


def test_an_address_that_is_none_stops_the_start() -> None:
    with pytest.raises(StartError, match="BEATLINE_ADMIN_EMAIL"):
        Settings.from_env({"BEATLINE_ADMIN_EMAIL": "admin"})
