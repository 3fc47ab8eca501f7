"""The pages behind the links in mails.

Opening one changes nothing: programs that scan mails open every link. The button on it does.
"""

from dataclasses import dataclass

from flask import Blueprint, Flask, Response, render_template, request, url_for
from flask_babel import force_locale

from shop.auth import accounts, password_changes, profile
from shop.auth.access import public
from shop.auth.accounts import EmailTaken
from shop.auth.mailed_tokens import LinkNotValid
from shop.auth.passwords import MAX_BYTES, PasswordTooWeak
from shop.auth.routes.blueprint import confirmation_lifetime, reset_lifetime
from shop.config import current_settings
from shop.database import transaction
from shop.errors import Refusal
from shop.http.throttling import caller_address
from shop.translations import preferred_language

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

blueprint = Blueprint("pages", __name__)


@dataclass(frozen=True)
class Reader:
    """Whom a link is about: what the page says to whom."""

    email: str
    locale: str


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/confirm-email")
@public
def ask_to_confirm() -> Response:
    user = accounts.user_to_confirm(link_token(), secret_key=link_key(), lifetime=confirmation_lifetime())
    return show_page("confirm_email", "ask", Reader(user.email, user.locale))


@blueprint.post("/confirm-email")
@public
def confirm_email() -> Response:
    with transaction():
        user = accounts.confirm_email(link_token(), secret_key=link_key(), lifetime=confirmation_lifetime())
    return show_page("confirm_email", "done", Reader(user.email, user.locale))


@blueprint.get("/confirm-email-change")
@public
def ask_to_change_email() -> Response:
    user = profile.user_changing_email(link_token(), secret_key=link_key(), lifetime=confirmation_lifetime())
    return show_page("confirm_email_change", "ask", Reader(user.pending_email or "", user.locale))


@blueprint.post("/confirm-email-change")
@public
def confirm_email_change() -> Response:
    with transaction():
        user = profile.confirm_email_change(link_token(), secret_key=link_key(), lifetime=confirmation_lifetime())
    return show_page("confirm_email_change", "done", Reader(user.email, user.locale))


@blueprint.get("/reset-password")
@public
def ask_for_password() -> Response:
    user = password_changes.user_to_reset(link_token(), secret_key=link_key(), lifetime=reset_lifetime())
    return show_page("reset_password", "ask", Reader(user.email, user.locale), fields=("password",))


@blueprint.post("/reset-password")
@public
def reset_password() -> Response:
    user = password_changes.user_to_reset(link_token(), secret_key=link_key(), lifetime=reset_lifetime())
    reader = Reader(user.email, user.locale)
    try:
        with transaction():
            password_changes.reset_password(
                link_token(),
                password=typed_password(),
                secret_key=link_key(),
                lifetime=reset_lifetime(),
                opened_from=caller_address(),
            )
    except PasswordTooWeak as refusal:
        return show_page("reset_password", "ask", reader, fields=("password",), problem=refusal)
    return show_page("reset_password", "done", reader)


@blueprint.get("/pages.css")
@public
def style() -> Response:
    css = render_template("pages/style.css")
    return Response(css, mimetype="text/css", headers={"Cache-Control": "public, max-age=86400"})


@blueprint.errorhandler(LinkNotValid)
@blueprint.errorhandler(EmailTaken)
def _bad_link(_refusal: Refusal) -> Response:
    page = show_page(request.path.strip("/").replace("-", "_"), "bad", None)
    page.status_code = 400
    return page


def show_page(
    name: str, moment: str, reader: Reader | None, *, fields: tuple[str, ...] = (), problem: Refusal | None = None
) -> Response:
    """pages/<name>.html, in the language of the reader; of the browser where the link does not say who that is."""
    locale = reader.locale if reader else preferred_language()
    with force_locale(locale):
        html = render_template(
            f"pages/{name}.html",
            locale=locale,
            moment=moment,
            email=reader.email if reader else "",
            action=url_for(f"{blueprint.name}.{name}"),
            token=link_token(),
            fields=fields,
            given=lambda field: request.form.get(field, ""),
            problem=problem.code if problem else "",
        )
    page = Response(html, mimetype="text/html", status=422 if problem else 200)
    page.headers["Content-Security-Policy"] = POLICY
    page.headers["Cache-Control"] = "no-store"
    return page


def link_token() -> str:
    return request.form.get("token", "") if request.method == "POST" else request.args.get("token", "")


def typed_password() -> str:
    return request.form.get("password", "")[: MAX_BYTES + 1]


def link_key() -> str:
    return current_settings().signing_key
