"""Factories: a test states what matters to it, these fill in the rest and commit."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, has_app_context

from shop.database import session, transaction

app: Flask = None  # set by conftest: factories open contexts of their own

RELATED = ("supplier", "company", "user", "parts")  # what tests read of a detached object

P = ParamSpec("P")
R = TypeVar("R")


def committed(make: Callable[P, R]) -> Callable[P, R]:
    """Inside a transaction the factory joins it and flushes; elsewhere it commits and the result is detached."""

    @wraps(make)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if has_app_context() and session().info.get("in_transaction"):
            made = make(*args, **kwargs)
            session().flush()
            return made
        with app.app_context(), transaction() as current:
            made = make(*args, **kwargs)
            current.flush()
            current.refresh(made)
            for related in RELATED:
                getattr(made, related, None)
            for part in getattr(made, "parts", ()):
                assert part.lines  # after the refresh, which may have loaded other objects
                assert part.order
        return made

    return wrapper
