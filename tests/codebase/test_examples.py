"""Every body, answer and refusal of the OpenAPI document has an example, and bodies are taken as they are shown."""

import json
from collections.abc import Iterator
from typing import Any

from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator

from shop.examples import Examples
from tests.auth.test_access_matrix import MATRIX, operations, world  # noqa: F401 - two fixtures
from tests.factories.auth import bearer

PROBLEM = {"$ref": "#/components/schemas/Problem"}  # its examples are made of the refusals
FORMS = "multipart/form-data"
SHAPELESS = {"MalformedRequest", "ValidationFailed", "UnsupportedMediaType"}


def test_every_body_answer_and_refusal_has_one_that_fits(client: FlaskClient) -> None:
    document = client.get("/api/schema/").json
    for operation, content in _contents(document):
        for example in _examples(content, document):
            _validator(content["schema"], document).validate(example)
        assert _examples(content, document), operation["operationId"]


def test_every_field_has_a_word(client: FlaskClient) -> None:
    document = client.get("/api/schema/").json
    examples = Examples(document["components"]["schemas"])
    for _, content in _contents(document):
        if content["schema"] != PROBLEM:
            examples.show({"schema": content["schema"]})
    assert examples.unknown == set()


def test_every_fact_of_a_refusal_has_a_word(client: FlaskClient) -> None:
    shown = client.get("/api/schema/").json["components"]["examples"].items()
    problems = {name: example["value"] for name, example in shown if name.startswith("Problem.")}
    assert [name for name, problem in problems.items() if None in problem["facts"].values()] == []


def test_none_is_kept_that_nobody_shows(client: FlaskClient) -> None:
    document = client.get("/api/schema/").json
    kept = document["components"]["examples"]
    assert [name for name in kept if f'"#/components/examples/{name}"' not in json.dumps(document)] == []


def test_bodies_are_taken_as_the_document_shows_them(client: FlaskClient, world, operations) -> None:  # noqa: F811
    """Many are refused for what they ask, since nothing of it exists here, but none for its shape."""
    document = client.get("/api/schema/").json
    bodies = {operation["operationId"]: operation["requestBody"]["content"] for operation in _with_bodies(document)}
    for operation in operations:
        row = MATRIX[operation.name]
        caller = bearer(world.people[(row.may or row.foreign).removeprefix("-")[0]])
        for content_type, content in bodies.get(operation.name, {}).items():
            for example in _examples(content, document) if content_type != FORMS else ():
                path = world.path_of(operation)
                answer = client.open(path, method=operation.method, json=example, headers=caller)
                code = (answer.json or {}).get("code") if answer.status_code >= 400 else None
                assert code not in SHAPELESS, (operation.name, example, answer.json)


def _contents(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for operation in _operations(document):
        answers = [answer.get("content", {}) for answer in operation["responses"].values()]
        for content_type, content in (pair for each in answers for pair in each.items()):
            if "json" in content_type:
                yield operation, content
        yield from ((operation, content) for content in operation.get("requestBody", {}).get("content", {}).values())


def _with_bodies(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (operation for operation in _operations(document) if "requestBody" in operation)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method != "parameters")


def _examples(content: dict[str, Any], document: dict[str, Any]) -> list[Any]:
    if "example" in content:
        return [content["example"]]
    names = [each["$ref"].rpartition("/")[2] for each in content.get("examples", {}).values()]
    return [document["components"]["examples"][name]["value"] for name in names]


def _validator(schema: dict[str, Any], document: dict[str, Any]) -> OAS31Validator:
    return OAS31Validator(schema | {"components": document["components"]})
