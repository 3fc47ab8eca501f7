"""The API of accounts and contacts."""

from datetime import timedelta
from typing import Any

from flask import current_app, g, url_for

from shop.auth import accounts, address_book
from shop.auth.access import authenticated, current_user, public
from shop.auth.emails import EmailInvalid
from shop.auth.links import LinkNotValid
from shop.auth.models import Contact, User
from shop.auth.passwords import PasswordTooWeak
from shop.auth.schemas import (
    AccessTokenSchema,
    ConfirmEmailSchema,
    ContactSchema,
    ContactsSchema,
    CreateContactSchema,
    LogInSchema,
    MessageSchema,
    RegisterSchema,
    ResendConfirmationSchema,
    UserSchema,
)
from shop.config import Settings
from shop.db import transaction
from shop.http.blueprint import ApiBlueprint, refuses
from shop.http.throttling import is_login_unlimited, limiter, login_key, login_limit

blueprint = ApiBlueprint(
    "auth", __name__, url_prefix="/api/v1/auth", description="Accounts, log-in and delivery points"
)

# Guessing passwords and filling mailboxes cost an attacker the same: each account has its count per address.
per_account = limiter.limit(login_limit, key_func=login_key, exempt_when=is_login_unlimited)

MAIL_SENT = {"message": "A mail is on its way to this address. Open the link in it to go on."}
LOCATION = {"Location": {"description": "Address of what was created", "schema": {"type": "string"}}}


@blueprint.route("/register", methods=["POST"])
@public
@per_account
@refuses(EmailInvalid, PasswordTooWeak)
@blueprint.arguments(RegisterSchema)
@blueprint.response(202, MessageSchema)
def register(body: dict[str, Any]) -> dict[str, str]:
    """Register a company and its first user.

    A mail with a confirmation link follows. The answer is the same for an e-mail that has an account already; then its
    owner gets another mail. A supplier can trade after a manager's approval.
    """
    with transaction():
        accounts.register(**body)
    return MAIL_SENT


@blueprint.route("/confirm-email", methods=["POST"])
@public
@refuses(LinkNotValid)
@blueprint.arguments(ConfirmEmailSchema)
@blueprint.response(200, MessageSchema)
def confirm_email(body: dict[str, Any]) -> dict[str, str]:
    """Confirm the e-mail with the token of the mailed link, which works once."""
    lifetime = timedelta(hours=_settings().confirmation_lifetime_hours)
    with transaction():
        accounts.confirm_email(body["token"], secret_key=_settings().signing_key, lifetime=lifetime)
    return {"message": "Your e-mail is confirmed. You can log in now."}


@blueprint.route("/resend-confirmation", methods=["POST"])
@public
@per_account
@blueprint.arguments(ResendConfirmationSchema)
@blueprint.response(202, MessageSchema)
def resend_confirmation(body: dict[str, Any]) -> dict[str, str]:
    """Ask for another confirmation link. The answer is the same for any e-mail."""
    with transaction():
        accounts.resend_confirmation(body["email"])
    return {"message": "If this e-mail waits for its confirmation, a mail with a new link is on its way."}


@blueprint.route("/login", methods=["POST"])
@public
@per_account
@refuses(accounts.LoginFailed, accounts.EmailNotConfirmed, accounts.AccountBlocked)
@blueprint.arguments(LogInSchema)
@blueprint.response(200, AccessTokenSchema)
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Get an access token for an e-mail and a password."""
    lifetime = timedelta(days=_settings().session_lifetime_days)
    with transaction():
        token, secret = accounts.log_in(body["email"], password=body["password"], lifetime=lifetime)
    return {"access_token": secret, "token_type": "Bearer", "expires_at": token.expires_at}


@blueprint.route("/logout", methods=["POST"])
@authenticated()
@blueprint.response(204)
def log_out() -> None:
    """End the token that this request carries."""
    with transaction():
        accounts.log_out(g.token)


@blueprint.route("/me", methods=["GET"])
@authenticated("account:read")
@blueprint.response(200, UserSchema)
def me() -> User:
    """See who you are."""
    return current_user()


@blueprint.route("/contacts", methods=["GET"])
@authenticated("contacts:read")
@blueprint.response(200, ContactsSchema)
def contacts() -> dict[str, Any]:
    """List the delivery points that you can order to: your own and your company's, all on one page."""
    return {"items": address_book.contacts_of(current_user()), "next_cursor": None}


@blueprint.route("/contacts", methods=["POST"])
@authenticated("contacts:write")
@refuses(address_book.TooManyContacts, address_book.PhoneInvalid)
@blueprint.arguments(CreateContactSchema)
@blueprint.response(201, ContactSchema, headers=LOCATION)
def create_contact(body: dict[str, Any]) -> tuple[Contact, dict[str, str]]:
    """Add a delivery point of your own."""
    with transaction():
        contact = address_book.create_contact(current_user(), limit=_settings().max_contacts_per_user, **body)
    return contact, {"Location": url_for("auth.find_contact", contact_id=contact.id)}


@blueprint.route("/contacts/<id:contact_id>", methods=["GET"])
@authenticated("contacts:read")
@refuses(address_book.ContactNotFound)
@blueprint.response(200, ContactSchema)
def find_contact(contact_id: int) -> Contact:
    """See one delivery point."""
    return address_book.find_contact(current_user(), contact_id)


@blueprint.route("/contacts/<id:contact_id>", methods=["DELETE"])
@authenticated("contacts:write")
@refuses(address_book.ContactNotFound)
@blueprint.response(204)
def delete_contact(contact_id: int) -> None:
    """Delete a delivery point of your own; orders keep their copy of the address."""
    with transaction():
        address_book.delete_contact(current_user(), contact_id)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
