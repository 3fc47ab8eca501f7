"""The OpenAPI document at /api/schema/ and Swagger UI at /api/docs/, served from this machine only."""

import hashlib
import json
from pathlib import Path
from typing import Any

import flask_swagger_ui
import orjson
from apispec import APISpec
from flask import Blueprint, Flask, Response, current_app, render_template_string, send_from_directory
from marshmallow import fields, validate

from shop.http.blueprint import IdConverter, OtherConverter, id_parameter, word_parameter
from shop.http.caching import json_answer
from shop.http.fields import Day, Money, Quantity, UploadedFile
from shop.http.problems import ProblemApi, ProblemSchema

ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
DOCUMENT = "openapi_document"
MONEY_PATTERN = r"^-?\d+\.\d{2,4}$"

DESCRIPTION = """\
One catalog, many suppliers, one order.

Log in with `POST /api/v1/auth/login` and send the token as `Authorization: Bearer …`. Lists answer
`{items, next_cursor}`; send `next_cursor` back as `cursor` until it is null. Money is a decimal string
("110000.00"), quantities are numbers. Every error is an `application/problem+json` with a stable `code`.

`RateLimit` and `RateLimit-Policy` say how much is left of your allowance. Send `Idempotency-Key` with orders, and
`If-Match` with changes that are meant for one version. An operation that will go says so by `Deprecation` and `Sunset`.
"""

CONFIGURATION: dict[str, Any] = {
    "API_TITLE": "Shop: ordering for retail chains",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/api",
    "OPENAPI_JSON_PATH": "schema/",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": DESCRIPTION,
            "contact": {"name": "The operator of this installation"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
    },
}

PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{{ title }}</title>
  <link rel="icon" href="assets/favicon-32x32.png">
  <link rel="stylesheet" href="assets/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="assets/swagger-ui-bundle.js"></script>
  <script src="start.js"></script>
</body>
</html>
"""
START = """window.ui = SwaggerUIBundle({
  url: "../schema/",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  displayRequestDuration: true,
  docExpansion: "list",
});
"""
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

docs = Blueprint("docs", __name__, url_prefix="/api/docs")


def init_app(app: Flask, api: ProblemApi) -> None:
    """Before any blueprint is registered: their documents use these fields and converters."""
    app.url_map.converters["id"] = IdConverter
    app.url_map.converters["other"] = OtherConverter
    api.register_converter(IdConverter, id_parameter)
    api.register_converter(OtherConverter, word_parameter)
    spec: APISpec = api.spec
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.register_field(Money, "string", "decimal")
    api.register_field(Quantity, "number", None)
    api.register_field(Day, "string", "date")
    api.register_field(fields.Integer, "integer", "int64")
    api.ma_plugin.converter.add_attribute_function(_more_about)
    api.ma_plugin.converter.add_attribute_function(_null_beside_enum)
    api.ma_plugin.converter.add_parameter_attribute_function(_never_null)
    spec.components.schema("Problem", {"examples": [ProblemSchema.EXAMPLE]}, schema=ProblemSchema)
    app.register_blueprint(docs)
    app.view_functions["api-docs.openapi_json"] = document


def say_what_patches_need(spec: APISpec) -> None:
    """After all blueprints: a change of nothing is refused, see StrictParser."""
    for path in spec._paths.values():
        if "patch" in path:
            content = path["patch"]["requestBody"]["content"]["application/json"]
            spec.components.schemas[content["schema"]["$ref"].rpartition("/")[2]]["minProperties"] = 1


def document() -> Response:
    """The document as it is served, in place of flask-smorest's: made once, since nothing changes it afterwards."""
    kept = current_app.extensions
    if DOCUMENT not in kept:
        text = orjson.dumps(_spec_of(current_app).to_dict()).decode()
        kept[DOCUMENT] = text, hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    text, etag = kept[DOCUMENT]
    return json_answer(text, etag=etag)


def document_text(app: Flask) -> str:
    """The document as it is kept in docs/openapi.json: the same API gives the same text."""
    return json.dumps(_spec_of(app).to_dict(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


@docs.get("/")
def swagger_ui() -> Response:
    page = Response(render_template_string(PAGE, title=current_app.config["API_TITLE"]), mimetype="text/html")
    page.headers["Content-Security-Policy"] = POLICY
    return page


@docs.get("/start.js")
def start() -> Response:
    return Response(START, mimetype="text/javascript")


@docs.get("/assets/<path:name>")
def asset(name: str) -> Response:
    return send_from_directory(ASSETS, name, max_age=86400)


def _spec_of(app: Flask) -> APISpec:
    api: ProblemApi = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return api.whole_document()


def _more_about(_converter: object, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """What generators of clients want to know beyond a field's type."""
    if isinstance(field, Money):
        return {"pattern": MONEY_PATTERN}
    if isinstance(field, UploadedFile):
        return {"format": "binary"}
    return {"format": "email"} if any(isinstance(each, validate.Email) for each in field.validators) else {}


def _null_beside_enum(_converter: object, _field: object, *, ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Null as one of an enum's values makes generators invent several types for it."""
    if "null" not in ret.get("type", ()) or "enum" not in ret:
        return {}
    [kind] = [kind for kind in ret.pop("type") if kind != "null"]
    values = [value for value in ret.pop("enum") if value is not None]
    return {"anyOf": [{"type": kind, "enum": values}, {"type": "null"}]}


def _never_null(_converter: object, _field: object, *, ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """An address cannot say null, though marshmallow takes it wherever None is the default."""
    schema = dict(ret["schema"])
    if schema.get("default", "") is None:
        del schema["default"]
    if "anyOf" in schema:
        schema |= schema.pop("anyOf")[0]
    if isinstance(schema.get("type"), list):
        [schema["type"]] = [kind for kind in schema["type"] if kind != "null"]
    return {"schema": schema}
