"""Whatever is sent, the running product answers as its OpenAPI document says: statuses, content types, headers, bodies.

A few examples of every operation in `make test`, always the same; as many as one likes in `make fuzz`.
"""

import os

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.roles import ROLES, World, make_world
from tests.journeys.product import Product

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
SEED = int(os.environ.get("FUZZ_SEED", "20261123"))
VALID, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize("role", ROLES)
def test_every_answer_is_documented(app: Flask, product: Product, role: str) -> None:
    world = make_world(app, role)
    document = schemathesis.openapi.from_url(f"http://127.0.0.1:{product.port}/api/schema/")
    operations = [result.ok() for result in document.get_all_operations()]
    assert len(operations) > 100
    found = [_trouble(operation, mode, world) for operation in operations for mode in (VALID, WRONG)]
    assert not any(found), "\n\n".join(filter(None, found))


def _trouble(operation: APIOperation, mode: GenerationMode, world: World) -> str:
    try:
        _play(operation, mode, world)
    except Unsatisfiable:
        assert mode is WRONG, operation.label  # there is nothing that could be wrong about an operation without input
    except FailureGroup as group:
        said = [f"{operation.label}, {mode.value} input:", *group.__notes__, *map(str, group.exceptions)]
        return "\n".join(said)
    return ""


def _play(operation: APIOperation, mode: GenerationMode, world: World) -> None:
    headers = world.headers()

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def play(case: Case) -> None:
        if mode is VALID:
            case.path_parameters, case.query = world.fill(case.path_parameters), world.fill(case.query)
            case.headers, case.body = world.fill(case.headers), world.fill(case.body)
        checks = CHECKS if mode is VALID else [*CHECKS, negative_data_rejection]
        response = case.call(headers=headers)
        try:
            case.validate_response(response, checks=checks)
        except FailureGroup as group:
            group.add_note(case.as_curl_command(headers))
            raise

    play()
