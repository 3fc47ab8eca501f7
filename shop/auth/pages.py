"""The page behind the link in the confirmation mail.

Opening it changes nothing: programs that scan mails open every link. The button on it confirms.
"""

from datetime import timedelta

from flask import Blueprint, Flask, Response, current_app, render_template_string, request

from shop.auth import accounts
from shop.auth.access import public
from shop.auth.links import LinkNotValid
from shop.auth.models import User
from shop.config import Settings
from shop.db import transaction

LANGUAGES = ("ru", "en")
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

WORDS = {
    "ru": {
        "ask": ("Подтверждение адреса", "Нажмите кнопку, чтобы подтвердить адрес {email}.", "Подтвердить"),
        "done": ("Адрес подтверждён", "Теперь вы можете войти со своим паролем.", ""),
        "bad": (
            "Ссылка не действует",
            "Она уже использована, устарела или скопирована не целиком. Запросите новое письмо"
            " (POST /api/v1/auth/resend-confirmation) или зарегистрируйтесь ещё раз с тем же адресом.",
            "",
        ),
    },
    "en": {
        "ask": ("Confirm your e-mail", "Press the button to confirm the address {email}.", "Confirm"),
        "done": ("Your e-mail is confirmed", "You can log in with your password now.", ""),
        "bad": (
            "This link does not work",
            "It was used already, has expired or was not copied completely. Ask for a new mail"
            " (POST /api/v1/auth/resend-confirmation) or register once more with the same address.",
            "",
        ),
    },
}

PAGE = """<!doctype html>
<html lang="{{ locale }}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="robots" content="noindex">
  <title>{{ title }}</title>
  <link rel="stylesheet" href="{{ url_for('pages.style') }}">
</head>
<body>
<main>
  <h1>{{ title }}</h1>
  <p>{{ text }}</p>
{% if button %}
  <form method="post" action="{{ url_for('pages.confirm_email') }}">
    <input type="hidden" name="token" value="{{ token }}">
    <button>{{ button }}</button>
  </form>
{% endif %}
</main>
</body>
</html>
"""
STYLE = """\
body { margin: 0; background: #f3f4f1; color: #1f2723; font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif }
main { max-width: 32rem; margin: 12vh auto 0; padding: 1.5rem 2rem 2rem; background: #fff; border: 1px solid #dde1db;
  border-radius: 8px; overflow-wrap: anywhere }
h1 { margin: 0 0 1rem; font-size: 1.35rem; line-height: 1.3 }
button { padding: .6rem 1.4rem; border: 0; border-radius: 6px; background: #1d6b4a; color: #fff; font: inherit;
  cursor: pointer }
button:focus-visible { outline: 3px solid #9ccbb5; outline-offset: 2px }
"""

blueprint = Blueprint("pages", __name__)


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/confirm-email")
@public
def ask_to_confirm() -> Response:
    token = request.args.get("token", "")
    user = accounts.user_to_confirm(token, secret_key=_settings().signing_key, lifetime=_lifetime())
    return _page("ask", user, token=token)


@blueprint.post("/confirm-email")
@public
def confirm_email() -> Response:
    token = request.form.get("token", "")
    with transaction():
        user = accounts.confirm_email(token, secret_key=_settings().signing_key, lifetime=_lifetime())
    return _page("done", user)


@blueprint.get("/pages.css")
@public
def style() -> Response:
    return Response(STYLE, mimetype="text/css", headers={"Cache-Control": "public, max-age=86400"})


@blueprint.errorhandler(LinkNotValid)
def _bad_link(_refusal: LinkNotValid) -> Response:
    page = _page("bad", None)
    page.status_code = 400
    return page


def _page(kind: str, user: User | None, *, token: str = "") -> Response:
    """In the language of the user; of the browser where the link does not say who that is."""
    locale = user.locale if user else request.accept_languages.best_match(LANGUAGES, LANGUAGES[0])
    title, text, button = WORDS[locale][kind]
    html = render_template_string(
        PAGE,
        locale=locale,
        title=title,
        text=text.format(email=user.email if user else ""),
        button=button,
        token=token,
    )
    page = Response(html, mimetype="text/html")
    page.headers["Content-Security-Policy"] = POLICY
    page.headers["Cache-Control"] = "no-store"
    return page


def _lifetime() -> timedelta:
    return timedelta(hours=_settings().confirmation_lifetime_hours)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
