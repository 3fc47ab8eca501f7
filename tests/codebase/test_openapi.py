"""The OpenAPI document is valid and served with its user interface from this machine."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from shop.http.openapi import document_text

KEPT = Path(__file__).parents[2] / "docs/openapi.json"


def test_the_document_is_valid_openapi(client) -> None:
    document = client.get("/api/schema/").json
    validate(document)
    assert document["openapi"] == "3.1.0"
    assert document["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}


def test_the_document_is_made_once_and_sent_once(client) -> None:
    first = client.get("/api/schema/")
    again = client.get("/api/schema/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_swagger_ui_needs_nothing_from_elsewhere(client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert "http" not in re.sub(r"<!doctype.*?>", "", page.text).replace("http-equiv", "")
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        with client.get(f"/api/docs/{asset}") as answer:
            assert answer.status_code == 200, asset
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"].split("style-src")[0]


def test_the_kept_document_is_that_of_this_code(app: Flask) -> None:
    kept = KEPT.read_text(encoding="utf-8") if KEPT.exists() else ""
    assert kept == document_text(app), (
        "The API has changed. Run 'make openapi' (flask openapi write) and note the change in docs/api-changelog.md."
    )


def test_the_command_writes_the_kept_document(app: Flask, tmp_path: Path) -> None:
    written = app.test_cli_runner().invoke(args=["openapi", "write", str(tmp_path / "openapi.json")])
    assert written.exit_code == 0
    assert (tmp_path / "openapi.json").read_text(encoding="utf-8") == document_text(app)
    assert json.loads(document_text(app)) == app.test_client().get("/api/schema/").json


def test_every_operation_says_what_it_does_and_how_it_refuses(client: FlaskClient) -> None:
    document = client.get("/api/schema/").json
    tags = {tag["name"] for tag in document["tags"]}
    for operation in _operations(document):
        name = operation["operationId"]
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name
        assert {"bearer": []} in operation["security"], name
        refused = {status for status in operation["responses"] if status >= "400"}
        assert {"429", "503"} <= refused, name
        if {} not in operation["security"]:
            assert {"401", "403"} <= refused, name
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= refused, name
        for status in refused:
            [content_type] = operation["responses"][status]["content"]
            assert content_type == "application/problem+json", (name, status)


def test_operations_and_schemas_have_names_of_their_own(client: FlaskClient) -> None:
    document = client.get("/api/schema/").json
    names = [operation["operationId"] for operation in _operations(document)]
    assert len(names) == len(set(names))
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []  # a number means: named twice
    assert [name for name in schemas if f'"#/components/schemas/{name}"' not in json.dumps(document)] == []


def test_a_list_of_known_values_is_an_enum(client: FlaskClient) -> None:
    schemas = client.get("/api/schema/").json["components"]["schemas"]
    listed = {"kind", "locale", "mode", "role", "severity", "state", "status", "vat_rate"}
    for name, schema in schemas.items():
        for field, described in schema.get("properties", {}).items():
            if field in listed and "integer" not in described.get("type", ()):
                assert "enum" in described.get("anyOf", [described])[0], f"{name}.{field}"


def test_examples_are_what_the_operations_take(client: FlaskClient) -> None:
    document = client.get("/api/schema/").json
    found = {}
    for operation in _operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "example" in content:
                _check(content["example"], content["schema"], document)
                found[operation["operationId"]] = content["example"]
    assert {"register", "log_in", "create_contact", "add_basket_lines", "place_order", "upload_price_list"} <= set(
        found
    )
    problem = document["components"]["schemas"]["Problem"]
    [example] = problem["examples"]
    _check(example, problem, document)


def test_what_is_documented_by_hand_stands_beside_what_the_schemas_say(client: FlaskClient) -> None:
    paths = client.get("/api/schema/").json["paths"]
    named = [each["name"] for each in paths["/api/v1/catalog/offers"]["get"]["parameters"]]
    assert {"q", "category", "price_min", "sort", "changed_since", "cursor", "limit", "parameters"} <= set(named)


def test_no_parameter_can_be_null(client: FlaskClient) -> None:
    for operation in _operations(client.get("/api/schema/").json):
        for parameter in operation.get("parameters", []):
            assert "null" not in json.dumps(parameter["schema"]), (operation["operationId"], parameter["name"])


def test_a_price_list_is_sent_as_a_file_or_as_json(client: FlaskClient) -> None:
    operation = client.get("/api/schema/").json["paths"]["/api/v1/catalog/price-lists"]["post"]
    content = operation["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/json"}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/FetchPriceList"}


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method != "parameters")


def _check(example: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    OAS31Validator(schema | {"components": document["components"]}).validate(example)
