"""Schemathesis: whatever is sent to a route of the OpenAPI document, the answer is one the document names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import psycopg
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from werkzeug.test import run_wsgi_app

from beatline.accounts import people
from beatline.accounts.access import Role
from beatline.accounts.login_sessions import Device, begin_login
from beatline.events import utc_now
from collector.api.tokens import token_pair
from tests.fixtures.admin import GRAFANA_TOKEN
from tests.fixtures.people import PASSWORD

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
# Generated only: to mutate and shrink what passes takes longer than to ask.
EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_every_answer_keeps_to_the_document(administered: Flask, connection: psycopg.Connection) -> None:
    document = schemathesis.openapi.from_wsgi("/openapi.json", closing_answers(administered))
    operations = [operation.ok() for operation in document.get_all_operations()]
    assert len(operations) > 10

    def answers_as_documented(case: Case) -> None:
        """One request, by who may, about the one project; an error has the one shape."""
        if security := case.operation.definition.raw.get("security"):
            token = (
                GRAFANA_TOKEN if "grafana" in security[0] else new_login(administered, connection, account_id)
            )
            case.headers["Authorization"] = f"Bearer {token}"
            case.path_parameters["project_id"] = 1
        response = case.call_and_validate(checks=CHECKS)
        if response.status_code >= 400:
            assert response.json().keys() - {"detail"} == {"code", "message", "errors", "request_id"}

    for operation in operations:
        account_id = new_admin(connection)  # whatever was done to the others
        for mode in GenerationMode:
            with suppress(Unsatisfiable):  # nothing about this operation can be wrong
                EXAMPLES(given(operation.as_strategy(generation_mode=mode))(answers_as_documented))()


def closing_answers(app: Flask) -> Callable[..., Iterable[bytes]]:
    """The application with every answer read and closed, as servers do and these tests' client does not."""

    def answered(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body, status, headers = run_wsgi_app(app, environ, buffered=True)
        start_response(status, headers.to_wsgi_list())
        return body

    return answered


def new_admin(connection: psycopg.Connection) -> UUID:
    """An account that administers everything."""
    account_id = people.create_account(connection, f"{uuid4()}@example.com", "", PASSWORD, utc_now())
    people.set_role(connection, account_id, None, Role.ADMIN)
    return account_id


def new_login(app: Flask, connection: psycopg.Connection, account_id: UUID) -> str:
    """An access token of a login that nobody has ended."""
    login = begin_login(connection, account_id, Device("127.0.0.1", "tests"), utc_now())
    with app.app_context():
        access, _ = token_pair(account_id, login)
    return access
