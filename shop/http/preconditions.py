"""If-Match: a change meant for one version of a thing does not hit another."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from flask import Response, request

from shop.errors import Stale, VersionNeeded

IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of what you read; another version is refused with 412.",
}


def expected_version(*, required: bool = False) -> int | None:
    """The version named by If-Match; None where the caller does not care."""
    if "If-Match" not in request.headers:
        if required:
            raise VersionNeeded
        return None
    tags = request.if_match
    if tags.star_tag:
        return None
    # A proxy or we ourselves make the tag a weak one where the answer is compressed: the version in it is the same.
    named = [tag or "" for tag in tags.as_set(include_weak=True)]  # `""` is read as None
    versions = [int(tag) for tag in named if tag.isascii() and tag.isdigit() and len(tag) < 19]
    if not versions:
        raise Stale
    return versions[0]


def check_version(current: int, expected: int | None) -> None:
    """Called by stories under the lock; `expected` None fits every version."""
    if expected is not None and expected != current:
        raise Stale(version=current)


def tagged(view: Callable[..., Response]) -> Callable[..., Response]:
    """Sets the answer's ETag from its `version`; outside of @response, so that it sees the finished answer."""

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Response:
        response = view(*args, **kwargs)
        response.set_etag(str(orjson.loads(response.get_data()).get("version", "")))
        return response

    return wrapper
