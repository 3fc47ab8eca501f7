"""What holds for every operation of the OpenAPI document: strict bodies, the challenge of a 401, scopes of keys."""

from collections.abc import Iterator
from typing import Any

import pytest

from shop.auth.access import known_scopes
from tests.auth.test_access_matrix import MATRIX, UNKNOWN_ID, operations, world  # noqa: F401 - two fixtures
from tests.factories.auth import bearer, make_api_key


@pytest.fixture
def scope_of(app) -> dict[str, str]:
    """The scope that an operation wants of a key."""
    with app.test_request_context():
        return {operation: scope for scope, opened in known_scopes().items() for operation in opened}


def test_a_field_that_nobody_asked_for_is_refused_by_name(client, world, operations) -> None:  # noqa: F811
    wrong = []
    for operation in operations:
        if operation.takes_json:
            row = MATRIX[operation.name]
            caller = (row.may or row.foreign).removeprefix("-")[0]
            answer = client.open(
                world.path_of(operation),
                method=operation.method,
                json={"unexpected": 1},
                headers=bearer(world.people[caller]),
            )
            fields = [error["field"] for error in answer.json.get("errors", ())]
            if (answer.status_code, "unexpected" in fields) != (422, True):
                wrong.append((operation.name, answer.status_code, fields))
    assert wrong == []


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"data": b"{}", "content_type": "application/json; charset=utf-8"}])
def test_a_change_of_nothing_is_refused(client, world, operations, body: dict[str, Any]) -> None:  # noqa: F811
    patches = [operation for operation in operations if operation.method == "PATCH"]
    answers = []
    for operation in patches:
        row = MATRIX[operation.name]
        headers = bearer(world.people[(row.may or row.foreign)[0]])
        answer = client.patch(world.path_of(operation), headers=headers, **body)
        answers.append((operation.name, answer.status_code, [error["message"] for error in answer.json["errors"]]))
    said = ["Nothing is stated that should change. Send at least one field."]
    assert answers == [(operation.name, 422, said) for operation in patches]
    assert len(patches) > 5


def test_no_part_of_any_body_takes_unknown_fields(client) -> None:
    document = client.get("/api/schema/").json
    bodies = [
        content["schema"]
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    parts = [part for body in bodies for part in _objects(body, document)]
    assert len(parts) > 30
    assert [part for part in parts if part.get("additionalProperties") is not False] == []


def test_every_401_says_how_to_log_in(client, world, operations) -> None:  # noqa: F811
    ids = dict.fromkeys(world.ids, UNKNOWN_ID) | {"provider": "nobody"}
    for operation in operations:
        for headers in ({}, {"Authorization": "Bearer shop_s_ended"}):
            if "-" not in MATRIX[operation.name].may:
                answer = client.open(world.path_of(operation, ids=ids), method=operation.method, headers=headers)
                assert answer.status_code == 401, operation.name
                assert answer.headers["WWW-Authenticate"].startswith("Bearer"), operation.name


def test_a_key_needs_the_scope_of_the_operation_and_no_other(client, world, operations, scope_of) -> None:  # noqa: F811
    """To an id that nobody has, so that nothing changes."""
    ids = dict.fromkeys(world.ids, UNKNOWN_ID) | {"provider": "nobody"}
    wrong = []
    for operation in operations:
        row = MATRIX[operation.name]
        if "-" in row.may:
            continue
        user = world.people[(row.may or row.foreign)[0]]
        scope = scope_of.get(operation.name)
        others = sorted(set(scope_of.values()) - {scope})
        expected = [(others, True), ([scope], False)] if scope else [(others, True)]
        for scopes, is_refused in expected:
            answer = client.open(
                world.path_of(operation, ids=ids),
                method=operation.method,
                json={"unexpected": 1} if operation.takes_json else None,
                headers=make_api_key(user, *scopes),
            )
            if (answer.status_code in (401, 403)) != is_refused:
                wrong.append((operation.name, scopes, answer.status_code))
    assert wrong == []


def _objects(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The object schemas of a body, however deep; those with stated fields only."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "properties" in schema:
        yield schema
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    for key in ("allOf", "anyOf", "oneOf"):
        inner += schema.get(key, ())
    for part in inner:
        if isinstance(part, dict):
            yield from _objects(part, document)
