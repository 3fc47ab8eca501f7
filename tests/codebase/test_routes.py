"""Every route states who may call it; every operation is documented with its refusals."""

from flask import Flask

from shop.auth.access import STATED_ELSEWHERE, access_of


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
