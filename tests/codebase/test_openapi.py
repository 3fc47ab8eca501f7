"""The OpenAPI document is valid and served with its user interface from this machine."""

import re

from openapi_spec_validator import validate


def test_the_document_is_valid_openapi(client) -> None:
    document = client.get("/api/schema/").json
    validate(document)
    assert document["openapi"] == "3.1.0"
    assert document["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}


def test_swagger_ui_needs_nothing_from_elsewhere(client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert "http" not in re.sub(r"<!doctype.*?>", "", page.text).replace("http-equiv", "")
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        with client.get(f"/api/docs/{asset}") as answer:
            assert answer.status_code == 200, asset
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"].split("style-src")[0]
