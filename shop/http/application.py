"""Flask, without what this product has no use for and every request would pay for."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class _Sessions(SecureCookieSessionInterface):
    """Only who brings a cookie has one to be checked; a program that calls the API brings none."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)


class Application(Flask):
    session_interface = _Sessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Nothing here is asynchronous, so no function is asked whether it is."""
        return func
