"""From a refusal to RFC 9457 problem+json: the only module that knows status codes."""

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from threading import Lock
from typing import Any, ClassVar

import orjson
import structlog
from apispec import APISpec
from flask import Flask, Response, current_app, g, request
from flask_smorest import Api
from marshmallow import fields, validate
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from shop.database import db, met_a_lock
from shop.errors import (
    Busy,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    Stale,
    Unauthenticated,
    Unavailable,
    Untrusted,
    VersionNeeded,
)
from shop.http.fields import MOST_ERRORS, AnswerSchema, MoreErrors

log = structlog.get_logger()

CONTENT_TYPE = "application/problem+json"
STATUS_OF_KIND: dict[type[Refusal], int] = {
    Untrusted: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Stale: 412,
    VersionNeeded: 428,
    Invalid: 422,
    Unavailable: 503,
}
CODE_OF_STATUS = {
    400: "MalformedRequest",
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "TooLarge",
    415: "UnsupportedMediaType",
    422: "ValidationFailed",
    429: "TooManyRequests",
    500: "InternalError",
}
SENTENCE_OF_STATUS = {
    400: "The request could not be read. Is the body valid JSON?",
    404: "There is no such address here.",
    413: "The request's body is too large.",
    415: "The body's content type is not one that this operation takes.",
    422: "Some of the input is not valid; errors names every field.",
    500: "Something went wrong on our side. It is logged under the request_id.",
}


LARGEST_PROBLEM, MOST_FACTS, LONGEST_PAGE_DETAIL = 100_000, 256, 2_000


class ProblemErrorSchema(AnswerSchema):
    location = fields.String(required=True, validate=validate.OneOf(("json", "query", "path", "headers", "files")))
    field = fields.String(required=True, metadata={"description": "Path of the field, such as lines.0.quantity"})
    message = fields.String(required=True)


class ProblemSchema(AnswerSchema):
    """An RFC 9457 problem."""

    type = fields.String(
        required=True, metadata={"format": "uri", "description": "A URI that names the kind of problem"}
    )
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What went wrong and what to do, for people"})
    code = fields.String(required=True, metadata={"description": "Stable name of the problem, for programs"})
    errors = fields.List(
        fields.Nested(ProblemErrorSchema),
        required=True,
        validate=validate.Length(max=MOST_ERRORS),
        metadata={"description": "What is wrong with the input, where it is that"},
    )
    more_errors = fields.Integer(
        required=True, metadata={"description": "How many errors there are beyond those: not more than 100 are named"}
    )
    facts = fields.Dict(required=True, metadata={"description": "What the decision rests on; depends on the code"})
    request_id = fields.String(required=True, metadata={"description": "Quote this when asking for help"})

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "type": "urn:problem:OutOfStock",
        "title": "Conflict",
        "status": 409,
        "detail": "There is not enough left of these goods; in brackets how much there is: Бумага А4 (5).",
        "code": "OutOfStock",
        "errors": [],
        "more_errors": 0,
        "facts": {
            "lines": [{"offer_id": 104, "sku": "000104", "name": "Бумага А4", "requested": 12, "available": 5}],
            "goods": "Бумага А4 (5)",
        },
        "request_id": "5e96d9035c8e45dcb6c85c85114561f2",
    }


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest's Api, answering and documenting every error as problem+json.

    The document is made when it is first asked for: most processes never are, and start in two thirds of the time.
    """

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        self._undocumented: list[Callable[[APISpec], None]] = []
        self._documenting = Lock()
        super().__init__(app)

    def document_later(self, document: Callable[[APISpec], None]) -> None:
        """`document` adds its part to the document; parts are added in the order in which they are given here."""
        self._undocumented.append(document)

    def whole_document(self) -> APISpec:
        spec: APISpec = self.spec
        with self._documenting:
            while self._undocumented:
                self._undocumented[0](spec)
                del self._undocumented[0]  # where it has failed, the document is never taken for whole
        return spec

    def _register_error_handlers(self) -> None:
        app: Flask = self._app
        super()._register_error_handlers()
        app.register_error_handler(Refusal, problem_of_refusal)
        app.register_error_handler(DBAPIError, _problem_of_database)
        app.register_error_handler(PoolTimeout, _problem_of_database)
        app.register_error_handler(OSError, _problem_of_disk)

    def _register_responses(self) -> None:
        """None by default: ApiBlueprint documents each operation's refusals itself."""

    def _register_pagination_header(self) -> None:
        """None: pages have a cursor in their body."""

    def handle_http_exception(self, error: HTTPException) -> Response | HTTPException:
        if not request.path.startswith("/api/") and _page_of_problems() is None:
            return error
        status = error.code or 500
        data: Mapping[str, Any] = getattr(error, "data", None) or {}
        detail = SENTENCE_OF_STATUS.get(status) or error.description or HTTPStatus(status).phrase
        response = _problem(
            status, CODE_OF_STATUS.get(status, "Refused"), detail, errors=field_errors(data.get("messages", {}))
        )
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After", "WWW-Authenticate"):
                response.headers[name] = value
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response


Page = Callable[[int, str, list[FieldError]], Response]


def answer_with_pages(app: Flask, prefix: str, page: Page) -> None:
    """Under this prefix people look at the answers, so they get pages: made of status, sentence and wrong fields."""
    app.extensions.setdefault("problem_pages", {})[prefix] = page


def status_of(refusal: type[Refusal]) -> int:
    return next(status for kind, status in STATUS_OF_KIND.items() if issubclass(refusal, kind))


def problem_of_refusal(refusal: Refusal) -> Response:
    status = status_of(type(refusal))
    response = _problem(status, refusal.code, refusal.detail, errors=refusal.errors, facts=refusal.facts)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(refusal, Busy):
        response.headers["Retry-After"] = "1"
    if isinstance(refusal, Unavailable):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _problem_of_database(error: DBAPIError | PoolTimeout) -> Response:
    """A lock somebody holds is a conflict; a database that is away is a pause; anything else is our mistake."""
    db.session.rollback()
    cause = getattr(error, "orig", None)
    if isinstance(error, DBAPIError) and met_a_lock(error):
        return problem_of_refusal(Busy())
    away = isinstance(error, PoolTimeout) or isinstance(cause, pg.OperationalError | pg.InterfaceError)
    log.error("database_error", error=type(cause or error).__name__, exc_info=not away)
    if away:
        return problem_of_refusal(Unavailable())
    return _problem(500, CODE_OF_STATUS[500], SENTENCE_OF_STATUS[500])


def _problem_of_disk(error: OSError) -> Response:
    """Where there is no place to write it is a pause, until somebody has made some; anything else is our mistake."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    log.error("disk_full", error=str(error))
    return problem_of_refusal(Unavailable())


def _problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Iterable[FieldError] = (),
    facts: Mapping[str, Any] | None = None,
) -> Response:
    if page := _page_of_problems():
        return page(status, detail[:LONGEST_PAGE_DETAIL], _told(errors)[0])
    body = problem_body(status, code, detail, errors=errors, facts=facts, request_id=g.get("request_id", ""))
    return Response(_dumped(body), status=status, content_type=CONTENT_TYPE)


def problem_body(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Iterable[FieldError] = (),
    facts: Mapping[str, Any] | None = None,
    request_id: str,
) -> dict[str, Any]:
    told, more = _told(errors)
    return {
        "type": f"urn:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [vars(error) for error in told],
        "more_errors": more,
        "facts": dict(facts or {}),
        "request_id": request_id,
    }


def _told(errors: Iterable[FieldError]) -> tuple[list[FieldError], int]:
    """The first errors, and how many more there are."""
    told: list[FieldError] = []
    more = 0
    for error in errors:
        if isinstance(error.message, MoreErrors):
            more += error.message.number
        elif len(told) < MOST_ERRORS:
            told.append(replace(error, field=_shortened(error.field, 100), message=_shortened(error.message, 500)))
        else:
            more += 1
    return told, more


def _dumped(body: dict[str, Any]) -> bytes:
    """Whatever was asked for, a refusal is a short answer: of long facts the beginning, and how much more there is."""
    dumped = orjson.dumps(body, default=str)
    most = MOST_FACTS
    while len(dumped) > LARGEST_PROBLEM and most:
        shorter = {"detail": _shortened(body["detail"], 10 * most), "facts": _fewer(body["facts"], most)}
        dumped = orjson.dumps(body | shorter, default=str)
        most //= 2
    return dumped


def _fewer(facts: Mapping[str, Any], most: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in facts.items():
        found[name] = _shortened(value, 10 * most) if isinstance(value, str) else value
        if isinstance(value, list | tuple) and len(value) > most:
            found |= {name: value[:most], f"more_{name}": len(value) - most}
    return found


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"


def _page_of_problems() -> Page | None:
    pages: dict[str, Page] = current_app.extensions.get("problem_pages", {})
    return next((page for prefix, page in pages.items() if is_under(prefix)), None)


def is_under(prefix: str) -> bool:
    """Whether this request is for the prefix itself or something below it."""
    path = request.path
    return path.startswith(prefix) and (path == prefix or path[len(prefix)] == "/")


def field_errors(messages: Any) -> Iterator[FieldError]:
    """webargs' {location: {field: [message]}}, nested as deep as the body is, as a flat list."""
    if not isinstance(messages, dict):
        return
    for location, tree in messages.items():
        for path, message in _leaves(tree):
            yield FieldError(location, ".".join(path), message)


def _leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(tree, dict):
        for key, branch in tree.items():
            yield from _leaves(branch, path if key == "_schema" else (*path, str(key)))
    elif isinstance(tree, list):
        for branch in tree:
            yield from _leaves(branch, path)
    else:
        yield path, tree if isinstance(tree, str) else str(tree)
