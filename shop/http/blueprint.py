"""The Blueprint of this API: operations named after stories, access and refusals documented, strict JSON."""

from collections.abc import Callable
from datetime import datetime
from functools import partial, wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import orjson
from apispec import APISpec
from flask import Flask, Request, Response, after_this_request, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, ValidationError
from webargs.core import missing
from webargs.flaskparser import FlaskParser, abort, is_json_request
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.http import http_date
from werkzeug.routing import IntegerConverter, Map, UnicodeConverter

from shop.errors import Refusal
from shop.http.problems import CONTENT_TYPE, ProblemApi, ProblemSchema, status_of
from shop.http.requests import json_of_body

View = TypeVar("View", bound=Callable[..., Any])

MOST_KEPT_QUERIES, LONGEST_KEPT_QUERY = 1_000, 500

TEXT_HEADER: dict[str, Any] = {"schema": {"type": "string"}}
LOCATION = {
    "Location": {"description": "Address of what was made", "schema": {"type": "string", "format": "uri-reference"}}
}
SECONDS = {"description": "Seconds after which it is worth trying again", "schema": {"type": "integer", "minimum": 0}}
HEADERS_OF_STATUS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "Bearer", **TEXT_HEADER}},
    409: {"Retry-After": SECONDS | {"description": "With the code Busy: seconds after which to try again"}},
    429: {"Retry-After": SECONDS},
    503: {"Retry-After": SECONDS},
}


class StrictParser(FlaskParser):
    """Reads JSON with orjson: no NaN, no recursion error on a deep body, and a clear 415 for another type.

    A query reads the same each time, so those asked for again are read once. Of a schema one instance reads all: making
    one binds its fields anew, which takes longer than most answers, and reading changes nothing in it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._queries: dict[tuple[Any, bytes], dict[str, Any]] = {}
        self._schemas: dict[Any, Schema] = {}

    def parse(self, argmap: Any, req: Request | None = None, *, location: str | None = None, **options: Any) -> Any:
        if location != "query" or len(request.query_string) > LONGEST_KEPT_QUERY:
            return super().parse(argmap, req, location=location, **options)
        asked = (argmap, request.query_string)
        found = self._queries.get(asked)
        if found is None:
            found = super().parse(argmap, req, location=location, **options)
            if len(self._queries) >= MOST_KEPT_QUERIES:
                self._queries.clear()
            self._queries[asked] = found
        return dict(found)

    def _get_schema(self, argmap: Any, req: Request) -> Schema:
        if argmap not in self._schemas:
            self._schemas[argmap] = super()._get_schema(argmap, req)
        return self._schemas[argmap]

    def load_json(self, req: Request, schema: Any) -> Any:
        if not req.get_data(cache=True):
            return missing if req.method != "PATCH" else self._refuse_to_change_nothing()
        if not is_json_request(req):
            raise UnsupportedMediaType
        try:
            body = json_of_body()
        except orjson.JSONDecodeError as error:
            abort(400, exc=error, messages={"json": [f"Not valid JSON: {error}"]})
        return body if body != {} or req.method != "PATCH" else self._refuse_to_change_nothing()

    def _refuse_to_change_nothing(self) -> NoReturn:
        """Whoever changes nothing has lost on the way what was to be changed."""
        raise ValidationError("Nothing is stated that should change. Send at least one field.")

    def load_files(self, req: Request, schema: Any) -> Any:
        """The fields of a multipart form together with its files, so that one schema documents both."""
        return MultiDictProxy(CombinedMultiDict([req.form, req.files]), schema)


class IdConverter(IntegerConverter):
    """`<id:order_id>`: a positive number that fits the database; anything else is an unknown address."""

    regex = r"[1-9]\d{0,17}"


def id_parameter(_converter: IdConverter) -> dict[str, Any]:
    return {"type": "integer", "format": "int64", "minimum": 1}


class OtherConverter(UnicodeConverter):
    """`<other('accounts', 'link'):provider>`: any word but those, which are addresses beside it.

    They would be thought to take the methods of this one, and OPTIONS would name some that do not exist.
    """

    part_isolating = True

    def __init__(self, map: Map, *taken: str) -> None:  # noqa: A002 - werkzeug's name for it
        super().__init__(map)
        self.regex = rf"(?!(?:{'|'.join(taken)})\Z)[^/]+"


def word_parameter(_converter: OtherConverter) -> dict[str, Any]:
    return {"type": "string", "minLength": 1}


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A blueprint whose operationIds are the functions' names and whose refusals are documented."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Callable[[View], Callable[..., Any]]:
        """Unknown fields are refused everywhere; webargs would pass over them in queries and forms.

        A schema's EXAMPLE becomes the example of the body.
        """
        if location in ("query", "files"):
            options.setdefault("unknown", RAISE)
        if location == "json" and (example := getattr(schema, "EXAMPLE", None)):
            options["example"] = example
        decorate: Callable[[View], Callable[..., Any]] = super().arguments(schema, location=location, **options)
        return decorate

    if TYPE_CHECKING:  # the parent is untyped; views keep their signatures through its decorators

        def route(self, rule: str, **options: Any) -> Callable[[View], View]: ...
        def response(self, status_code: int, schema: Any = None, **options: Any) -> Callable[[View], View]: ...
        def alt_response(self, status_code: int, **options: Any) -> Callable[[View], View]: ...
        def doc(self, **options: Any) -> Callable[[View], View]: ...

    def register_views_in_doc(self, api: ProblemApi, app: Flask, spec: APISpec, *, name: str, parameters: Any) -> None:
        """Not yet: see ProblemApi."""
        api.document_later(partial(self._document, api, app, name=name, parameters=parameters))

    def _document(self, api: ProblemApi, app: Flask, spec: APISpec, *, name: str, parameters: Any) -> None:
        for endpoint, methods in self._docs.items():
            view = app.view_functions[f"{name}.{endpoint}"]
            for method, doc in methods.items():
                if method != "parameters":
                    said = doc.setdefault("manual_doc", {})
                    if "arguments" in doc:  # beside the schema's parameters; the parent would put them in their place
                        doc["arguments"]["parameters"] += said.pop("parameters", [])
                    said |= {"operationId": view.__name__, "security": _security(view)}
                    if getattr(view, "is_deprecated", False):
                        said["deprecated"] = True
                    _document_refusals(doc, _refusals_of(view, has_input="arguments" in doc))
        super().register_views_in_doc(api, app, spec, name=name, parameters=parameters)


def refuses(*kinds: type[Refusal]) -> Callable[[View], View]:
    """States the refusals that a route answers with, beyond those that its access and its input bring anyway."""

    def decorate(view: View) -> View:
        cast(Any, view).refusals = kinds
        return view

    return decorate


def json_body(schema: type[Schema]) -> dict[str, Any]:
    """For `doc(requestBody=…)`: JSON is taken, too, beside what `arguments` documents."""
    example = getattr(schema, "EXAMPLE", None)
    return {"content": {"application/json": {"schema": schema} | ({"example": example} if example else {})}}


def deprecated(*, since: datetime, sunset: datetime, see: str) -> Callable[[View], View]:
    """Announces an operation's end (RFC 9745, RFC 8594): it goes at `sunset`; `see` is what tells more."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            after_this_request(announce)  # on its refusals, too
            return view(*args, **kwargs)

        cast(Any, wrapper).is_deprecated = True
        return cast(View, wrapper)

    def announce(response: Response) -> Response:
        response.headers["Deprecation"] = f"@{int(since.timestamp())}"
        response.headers["Sunset"] = http_date(sunset)
        response.headers.add("Link", f'<{see}>; rel="deprecation"')
        return response

    return decorate


def _refusals_of(view: Any, *, has_input: bool) -> dict[int, list[str]]:
    by_status: dict[int, list[str]] = {429: ["TooManyRequests"], 503: ["Unavailable"]}
    if has_input:
        by_status |= {400: ["MalformedRequest"], 413: ["TooLarge"], 415: ["UnsupportedMediaType"]}
        by_status[422] = ["ValidationFailed"]
    for kind in (*getattr(view, "access_refusals", ()), *getattr(view, "refusals", ())):
        by_status.setdefault(status_of(kind), []).append(kind.code)
    return by_status


def _security(view: Any) -> list[dict[str, list[str]]]:
    """A public operation is better with a token (its own throttle), so both are offered."""
    bearer: dict[str, list[str]] = {"bearer": []}
    return [bearer] if getattr(view, "access_refusals", ()) else [{}, bearer]


def _document_refusals(doc: dict[str, Any], by_status: dict[int, list[str]]) -> None:
    doc.get("arguments", {}).pop("responses", None)
    responses = doc.setdefault("response", {}).setdefault("responses", {})
    for status, codes in sorted(by_status.items()):
        responses.setdefault(
            status,
            [
                {
                    "description": f"{HTTPStatus(status).phrase}: {', '.join(dict.fromkeys(codes))}",
                    "schema": ProblemSchema(),
                    "content_type": CONTENT_TYPE,
                    "headers": HEADERS_OF_STATUS.get(status, {}),
                    "examples": {code: f"Problem.{code}" for code in codes},  # see shop/examples
                }
            ],
        )
