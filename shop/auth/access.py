"""Who may: every route states its access, and one hook enforces it for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request

from shop.auth.models import API_KEY, AccessToken, Company, User
from shop.auth.tokens import find_token
from shop.errors import Forbidden, Refusal, Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])

STATED_ELSEWHERE = ("health.", "docs.", "api-docs.")  # open by nature: no data of anybody


@dataclass(frozen=True)
class Access:
    """`roles` is None for public routes, empty for everybody who is logged in."""

    roles: frozenset[str] | None
    scope: str | None = None
    is_catalog: bool = False

    @property
    def refusals(self) -> tuple[type[Refusal], ...]:
        if self.roles is None:
            return ()
        return (Unauthenticated, Forbidden) if self.roles or self.scope else (Unauthenticated,)


def public(view: View) -> View:
    """Anybody may call this."""
    return _state(view, Access(roles=None))


def catalog_reader(view: View) -> View:
    """Anybody while the catalog is public, otherwise everybody who is logged in."""
    return _state(view, Access(roles=None, is_catalog=True))


def authenticated(scope: str | None = None) -> Callable[[View], View]:
    """Everybody who is logged in; an API key needs the scope."""
    return lambda view: _state(view, Access(roles=frozenset(), scope=scope))


def only(*roles: str, scope: str | None = None) -> Callable[[View], View]:
    """People of these roles; an API key needs the scope, too."""
    return lambda view: _state(view, Access(roles=frozenset(roles), scope=scope))


def init_app(app: Flask) -> None:
    app.before_request(_identify)


def init_check(app: Flask) -> None:
    app.before_request(_check)


def current_user() -> User:
    """Whoever is calling; the access of the route has made sure that there is somebody."""
    token: AccessToken | None = g.get("token")
    if token is None:
        raise Unauthenticated
    return token.user


def current_company() -> Company:
    """The company of whoever is calling; buyers and suppliers always have one."""
    company = current_user().company
    if company is None:
        raise Forbidden("Your account belongs to no company.")
    return company


def access_of(view: Callable[..., Any]) -> Access | None:
    return cast(Access | None, getattr(view, "access", None))


def _identify() -> None:
    """Reads the token, refuses nothing yet: the throttle comes first, and counts for the user."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    g.token = find_token(secret.strip()) if scheme.casefold() == "bearer" and secret else None
    g.caller_id = g.token.user_id if g.token else None
    g.is_program = g.token is not None and g.token.kind == API_KEY


def _check() -> None:
    """A route that states nothing is closed."""
    if request.endpoint is None or request.endpoint.startswith(STATED_ELSEWHERE):
        return
    access = access_of(current_app.view_functions[request.endpoint])
    if access is None:
        raise Forbidden
    if access.roles is None and not (access.is_catalog and _is_catalog_closed()):
        return
    token: AccessToken | None = g.get("token")
    if token is None:
        raise Unauthenticated
    if access.roles and token.user.role not in access.roles:
        raise Forbidden(f"This is for a {' or '.join(sorted(access.roles))}.")
    if access.scope and not token.allows(access.scope):
        raise Forbidden(f"This API key lacks the scope {access.scope}.", scope=access.scope)


def _is_catalog_closed() -> bool:
    return not current_app.extensions["settings"].catalog_public


def _state(view: View, access: Access) -> View:
    cast(Any, view).access = access
    cast(Any, view).access_refusals = access.refusals
    return view
