"""`beatline user`: accounts, their roles and passwords, for whoever can reach the database."""

from __future__ import annotations

from typing import Any

import click
from psycopg import Connection

from beatline.accounts import people
from beatline.accounts.access import COMMAND_LINE, Role
from beatline.accounts.login_sessions import end_logins
from beatline.accounts.passwords import new_password
from beatline.audit_log import Actor, Change, note
from beatline.cli_projects import database
from beatline.events import utc_now
from beatline.project_admin import find_project

ROLES = click.Choice([str(role) for role in Role])


@click.group()
def user() -> None:
    """People who sign in, and what they may do."""


@user.command()
@click.argument("email")
@click.option("--name", default="", help="Shown in the console.")
@click.option("--role", type=ROLES, help="In all projects.")
def create(email: str, name: str, role: str | None) -> None:
    """Make an account with a random password, printed once."""
    password = new_password()
    with database() as (_, connection), connection.transaction():
        account_id = people.create_account(connection, email, name, password, utc_now())
        if role:
            people.set_role(connection, account_id, None, Role(role))
        log(connection, "account made", email, after={"role": role})
    click.echo(f"Account {email} is ready. Its password: {password}")


@user.command("list")
def list_all() -> None:
    """Show every account with its roles."""
    with database() as (_, connection):
        for account in people.list_accounts(connection):
            state = "disabled" if account.disabled else "open"
            roles = [
                f"{role} of {project_id or 'all projects'}" for project_id, role in account.roles.items()
            ]
            click.echo(f"{account.email}\t{state}\t{', '.join(roles) or 'no role'}")


@user.command()
@click.argument("email")
def reset_password(email: str) -> None:
    """Give an account a random password, printed once; it is signed out everywhere."""
    password, now = new_password(), utc_now()
    with database() as (_, connection), connection.transaction():
        account = people.account_of(connection, email)
        people.set_password(connection, account.account_id, password, now)
        end_logins(connection, account.account_id, "password", now)
        log(connection, "password reset", account.email)
    click.echo(f"The password of {account.email} is now: {password}")


@user.command()
@click.argument("email")
@click.argument("role", type=click.Choice([*Role, "none"]))
@click.option("--project", help="Name or number; without it, all projects.")
def role(email: str, role: str, project: str | None) -> None:
    """Give an account a role, or with `none` take it away."""
    wanted = None if role == "none" else Role(role)
    with database() as (_, connection), connection.transaction():
        account = people.account_of(connection, email)
        project_id = find_project(connection, project).project_id if project else None
        people.set_role(connection, account.account_id, project_id, wanted)
        before = {"role": account.roles.get(project_id)}
        log(
            connection,
            "role changed",
            account.email,
            project_id=project_id,
            before=before,
            after={"role": wanted},
        )
    click.echo(f"{account.email}: {role} of {project or 'all projects'}.")


@user.command()
@click.argument("email")
def disable(email: str) -> None:
    """Let an account in no more; it is signed out everywhere."""
    set_disabled(email, disabled=True)


@user.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let a disabled account in again."""
    set_disabled(email, disabled=False)


def set_disabled(email: str, *, disabled: bool) -> None:
    """Let an account in no more, or again, and say so."""
    with database() as (_, connection), connection.transaction():
        account = people.account_of(connection, email)
        people.disable_account(connection, account.account_id, disabled=disabled)
        if disabled:
            end_logins(connection, account.account_id, "disabled", utc_now())
        states = {"before": {"disabled": account.disabled}, "after": {"disabled": disabled}}
        log(connection, "account changed", account.email, **states)
    click.echo(f"{account.email} {'is disabled' if disabled else 'may sign in again'}.")


def log(connection: Connection, action: str, subject: str, **states: Any) -> None:
    """Note a change of the command line in the audit log."""
    note(connection, Actor(COMMAND_LINE), Change(action, subject, **states), utc_now())
