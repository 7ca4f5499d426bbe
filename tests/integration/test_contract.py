"""Schemathesis: whatever is sent to a route of the OpenAPI document, the answer is one the document names."""

from __future__ import annotations

from contextlib import suppress

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.fixtures.admin import GRAFANA_TOKEN, TOKEN

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
TOKENS = {"adminToken": TOKEN, "grafanaToken": GRAFANA_TOKEN}
EXAMPLES = settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def test_every_answer_keeps_to_the_document(administered: Flask) -> None:
    document = schemathesis.openapi.from_wsgi("/openapi.json", administered)
    operations = [operation.ok() for operation in document.get_all_operations()]
    assert len(operations) > 10

    for operation in operations:
        for mode in GenerationMode:
            with suppress(Unsatisfiable):  # nothing about this operation can be wrong
                EXAMPLES(given(operation.as_strategy(generation_mode=mode))(answers_as_documented))()


def answers_as_documented(case: Case) -> None:
    """One request with the token that it needs, about the one project; an error has the one shape."""
    for needed in case.operation.definition.raw.get("security", []):
        case.headers["Authorization"] = f"Bearer {TOKENS[next(iter(needed))]}"
        case.path_parameters["project_id"] = 1
    response = case.call_and_validate(checks=CHECKS)
    if response.status_code >= 400:
        assert response.json().keys() - {"detail"} == {"code", "message", "errors", "request_id"}
