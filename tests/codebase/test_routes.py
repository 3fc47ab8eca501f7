"""Every route states who may call it; every operation is documented with its refusals."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from marshmallow import fields, validate

from shop.auth.access import STATED_ELSEWHERE, access_of
from shop.http.fields import AnswerSchema, CountedDict, CountedList, Schema

BOUNDS = (validate.Length, validate.OneOf, validate.Equal)


def test_every_route_states_its_access(app: Flask) -> None:
    silent = [
        endpoint
        for endpoint, view in app.view_functions.items()
        if not endpoint.startswith(STATED_ELSEWHERE) and access_of(view) is None
    ]
    assert silent == []


def test_a_route_that_states_nothing_is_closed(app: Flask, client) -> None:
    app.view_functions["auth.log_in"], kept = (lambda: "open"), app.view_functions["auth.log_in"]
    try:
        assert client.post("/api/v1/auth/login").status_code == 403
    finally:
        app.view_functions["auth.log_in"] = kept


def test_options_name_the_methods_that_exist(app: Flask) -> None:
    """Of this address, not of another one that happens to look like it."""
    methods: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        methods.setdefault(rule.rule, set()).update(rule.methods or ())
    adapter = app.url_map.bind("shop.example")
    found = {rule: set(adapter.allowed_methods(re.sub(r"<[^>]*>", "1", rule))) for rule in methods}
    assert found == methods


def test_options_of_the_routes_of_social_log_in(client) -> None:
    answer = client.options("/api/v1/auth/social/token")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (200, {"OPTIONS", "POST"})
    refused = client.delete("/api/v1/auth/social/link")
    assert (refused.status_code, set(refused.headers["Allow"].split(", "))) == (405, {"OPTIONS", "POST"})


def test_every_operation_is_named_after_its_story_once(client) -> None:
    paths = client.get("/api/schema/").json["paths"]
    operations = [operation for item in paths.values() for operation in item.values() if isinstance(operation, dict)]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation.get("summary") for operation in operations)


def test_every_operation_documents_its_refusals(client) -> None:
    paths = client.get("/api/schema/").json["paths"]
    for path, item in paths.items():
        for verb, operation in item.items():
            if not isinstance(operation, dict):
                continue
            assert {"429", "503"} <= operation["responses"].keys(), (verb, path)
            if {} not in operation["security"]:
                assert "401" in operation["responses"], (verb, path)
            if "{" in path:
                assert "404" in operation["responses"], (verb, path)


def test_every_list_that_is_taken_has_a_maximum_that_is_looked_at_first(app: Flask) -> None:
    """Of bodies, forms and addresses; and text has one, too."""
    taken = [(schema, name, part) for schema in taken_schemas(Schema) for name, part in parts_of(schema)]
    lists = [each for each in taken if isinstance(each[2], fields.List | fields.Dict | fields.Tuple)]
    assert len(lists) > 8
    assert [each for each in lists if not isinstance(each[2], CountedList | CountedDict)] == []
    texts = [each for each in taken if isinstance(each[2], fields.String)]
    assert [each for each in texts if not any(isinstance(check, BOUNDS) for check in each[2].validators)] == []


def taken_schemas(kind: type[Schema]) -> Iterator[type[Schema]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("shop.") and not issubclass(each, AnswerSchema):
            yield each
            yield from taken_schemas(each)


def parts_of(schema: type[Schema]) -> Iterator[tuple[str, fields.Field[Any]]]:
    for name, field in schema().load_fields.items():
        yield name, field
        inner = [getattr(field, part, None) for part in ("inner", "key_field", "value_field")]
        yield from ((name, each) for each in inner if each is not None)
