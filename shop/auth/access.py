"""Who may: every route states its access, and one hook enforces it for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request
from sqlalchemy import ColumnElement
from sqlalchemy.orm import joinedload

from shop.auth.models import API_KEY, MANAGER, SESSION, AccessToken, Company, User
from shop.auth.tokens import NOTHING_ALONG, Caller, IdleLimits, find_caller, note_use
from shop.config import Settings, current_settings
from shop.database import now, only_read, session, transaction
from shop.errors import Forbidden, Refusal, Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])
Found = TypeVar("Found")

# The first three are open by nature: no data of anybody. The admin has a door of its own, closed by default.
STATED_ELSEWHERE = ("health.", "docs.", "api-docs.", "admin")


@dataclass(frozen=True)
class Access:
    """`roles` is None for public routes, empty for everybody who is logged in.

    API keys need the scope; a route without one is for sessions only. `before_second_factor` routes are open to
    managers who must set up their second factor first. While `is_open` says no, a public route is for everybody who is
    logged in. `along` is read together with the token, for what the route wants to know of its caller.
    """

    roles: frozenset[str] | None
    scope: str | None = None
    is_open: Callable[[], bool] | None = None
    along: ColumnElement[Any] = NOTHING_ALONG
    before_second_factor: bool = False

    @property
    def refusals(self) -> tuple[type[Refusal], ...]:
        if self.roles is None:
            return ()
        return (Unauthenticated, Forbidden)

    @property
    def only_reads(self) -> bool:
        """What a scope to read opens writes nothing."""
        return self.scope is not None and self.scope.endswith(":read")


def public(view: View) -> View:
    """Anybody may call this."""
    return state_access(view, Access(roles=None))


def authenticated(scope: str | None = None, *, before_second_factor: bool = False) -> Callable[[View], View]:
    """Everybody who is logged in; an API key needs the scope, and cannot enter where none is stated."""
    access = Access(roles=frozenset(), scope=scope, before_second_factor=before_second_factor)
    return lambda view: state_access(view, access)


def only(*roles: str, scope: str | None = None, before_second_factor: bool = False) -> Callable[[View], View]:
    """People of these roles; an API key needs the scope, too, and cannot enter where none is stated."""
    access = Access(roles=frozenset(roles), scope=scope, before_second_factor=before_second_factor)
    return lambda view: state_access(view, access)


class SessionNeeded(Forbidden):
    code = "SessionNeeded"
    message = "This is not for API keys. Log in with e-mail and password."


class SecondFactorNeeded(Forbidden):
    code = "SecondFactorNeeded"
    message = "Managers work here with a second factor. Set it up first: POST /api/v1/auth/totp."


def init_app(app: Flask) -> None:
    app.before_request(_identify)


def init_check(app: Flask) -> None:
    app.before_request(_check)


def identify(secret: str, *, kinds: tuple[str, ...] = (SESSION, API_KEY)) -> None:
    """Who calls, by one statement: whoever this secret belongs to, where it is one of these kinds; or nobody."""
    app, endpoint, settings = current_app, request.endpoint, current_settings()
    access = access_of(app.view_functions[endpoint]) if endpoint else None
    along = access.along if access else NOTHING_ALONG
    found = find_caller(secret, along=along, idle_limits=idle_limits(settings))
    if found and found.kind not in kinds:
        found = None
    g.caller = found
    if not found:
        return
    if found.is_unused_for(timedelta(minutes=settings.token_use_noted_minutes), at=now()):
        with transaction():
            note_use(found.token_id)
    if access and access.only_reads and access.roles is not None:  # the readings of public routes begin nothing anyway
        only_read()


def lacks_second_factor(found: Caller) -> bool:
    return found.role == MANAGER and not found.has_second_factor and current_settings().manager_totp_required


def caller() -> Caller | None:
    """Who is calling, without a statement; None for strangers."""
    found: Caller | None = g.get("caller")
    return found


def current_caller() -> Caller:
    """The same where the access of the route has made sure that there is somebody."""
    found = caller()
    if found is None:
        raise Unauthenticated
    return found


def current_user() -> User:
    """Whoever is calling, with the company; read when first asked for."""
    user_id = current_caller().user_id
    user: User | None = g.get("user")
    if user is None or user.id != user_id:  # whoever else this request came as
        user = g.user = _still_there(session().get(User, user_id, options=[joinedload(User.company)]))
    return user


def current_company() -> Company:
    """The company of whoever is calling; buyers and suppliers always have one."""
    company = current_user().company
    if company is None:
        raise Forbidden("Your account belongs to no company.")
    return company


def current_token() -> AccessToken:
    """What this request came with."""
    return _still_there(session().get(AccessToken, current_caller().token_id))


def known_scopes() -> dict[str, list[str]]:
    """All scopes that routes state, each with the operations that it opens."""
    found: dict[str, list[str]] = {}
    for view in current_app.view_functions.values():
        access = access_of(view)
        if access is not None and access.scope is not None:
            found.setdefault(access.scope, []).append(view.__name__)
    return {scope: sorted(operations) for scope, operations in sorted(found.items())}


def idle_limits(settings: Settings) -> IdleLimits:
    days = {SESSION: settings.session_idle_days, API_KEY: settings.api_key_idle_days}
    return {kind: timedelta(days=limit) for kind, limit in days.items()}


def access_of(view: Callable[..., Any]) -> Access | None:
    return cast(Access | None, getattr(view, "access", None))


def _identify() -> None:
    """Reads the token, refuses nothing yet: the throttle comes first, and counts for the user."""
    scheme, _, secret = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    identify(secret.strip() if scheme.casefold() == "bearer" else "")


def _still_there(found: Found | None) -> Found:
    """Ended between two statements of one request is ended."""
    if found is None:
        raise Unauthenticated
    return found


def _check() -> None:
    """A route that states nothing is closed."""
    if request.endpoint is None or request.endpoint.startswith(STATED_ELSEWHERE):
        return
    access = access_of(current_app.view_functions[request.endpoint])
    if access is None:
        raise Forbidden
    if access.roles is None and (access.is_open is None or access.is_open()):
        return
    found = current_caller()
    if access.roles and found.role not in access.roles:
        raise Forbidden(f"This is for a {' or '.join(sorted(access.roles))}.")
    if access.scope is None and not found.is_session:
        raise SessionNeeded
    if access.scope and not found.allows(access.scope):
        raise Forbidden(f"This API key lacks the scope {access.scope}.", scope=access.scope)
    if not access.before_second_factor and lacks_second_factor(found):
        raise SecondFactorNeeded


def state_access(view: View, access: Access) -> View:
    """What the decorators here do, for who has one of its own."""
    cast(Any, view).access = access
    cast(Any, view).access_refusals = access.refusals
    return view
