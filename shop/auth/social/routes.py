"""The API of social log-in: which providers there are, what their codes are good for, linking and unlinking."""

from datetime import timedelta
from typing import Any

from flask import Response, jsonify, request
from marshmallow import fields, validate

from shop.auth.access import SessionNeeded, authenticated, current_token, current_user, public
from shop.auth.accounts import AccountBlocked, EmailNotConfirmed
from shop.auth.email_addresses import MAX_LENGTH, EmailInvalid
from shop.auth.models import BUYER, SUPPLIER, AccessToken
from shop.auth.password_changes import FreshLogInNeeded, PasswordWrong, require_password
from shop.auth.routes import MAIL_SENT, blueprint, per_account
from shop.auth.schemas import LOCALES, AccessTokenSchema, MessageSchema, ProofSchema
from shop.auth.social import identities
from shop.auth.social.browser_flow import start_url
from shop.auth.social.codes import SocialCodeNotValid
from shop.auth.social.models import SocialAccount
from shop.auth.social.providers import OfferedProvider, offered_providers
from shop.auth.throttling import per_guesser, per_registered_mailbox
from shop.config import current_settings
from shop.database import now, transaction
from shop.errors import NotFound
from shop.http.blueprint import refuses
from shop.http.fields import AnswerSchema, Schema, Text
from shop.http.throttling import caller_address


class ProviderUnknown(NotFound):
    code = "ProviderUnknown"
    message = "There is no log-in with this provider here."


class OneTimeCode(Text):
    """The `code` that a social log-in ended with."""

    def __init__(self) -> None:
        super().__init__(required=True, blank=False, max_length=100)


class SocialCodeSchema(Schema):
    code = OneTimeCode()
    code_verifier = Text(
        load_default=None,
        max_length=200,
        metadata={"description": "Needed if, and only if, the log-in began with a code_challenge (S256, RFC 7636)"},
    )


class RegisterWithCodeSchema(Schema):
    code = OneTimeCode()
    email = Text(
        load_default=None,
        max_length=MAX_LENGTH,
        validate=validate.Email(),
        metadata={"description": "Where the provider tells none, or another one is wanted; it must be confirmed"},
    )
    first_name = Text(required=True, blank=False, max_length=100)
    last_name = Text(required=True, blank=False, max_length=100)
    role = Text(required=True, validate=validate.OneOf((BUYER, SUPPLIER)))
    company = Text(required=True, blank=False, metadata={"description": "The company's name"})
    position = Text(load_default=None, max_length=100, metadata={"description": "What you are in the company"})
    locale = Text(load_default="ru", validate=validate.OneOf(LOCALES), metadata={"description": "Language of mails"})


class SocialProviderSchema(AnswerSchema):
    provider = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "To show to people"})
    start_url = fields.String(
        required=True, metadata={"format": "uri", "description": "Open it in the person's browser"}
    )


class SocialProvidersSchema(AnswerSchema):
    items = fields.List(fields.Nested(SocialProviderSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class LinkStartSchema(AnswerSchema):
    url = fields.String(
        required=True, metadata={"format": "uri", "description": "Open it in the person's browser, once"}
    )
    expires_at = fields.AwareDateTime(required=True)


class SocialAccountSchema(AnswerSchema):
    provider = fields.String(required=True)
    email = fields.Email(required=True, allow_none=True, metadata={"description": "As the provider told it"})
    linked_at = fields.AwareDateTime(required=True)


class SocialAccountsSchema(AnswerSchema):
    items = fields.List(fields.Nested(SocialAccountSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@blueprint.route("/social", methods=["GET"])
@public
@blueprint.response(200, SocialProvidersSchema)
def social_providers() -> dict[str, Any]:
    """List the providers to log in with.

    Open `start_url` in a browser. It ends at the configured address with `?code=…` (60 seconds, once) or with
    `?error=…&error_description=…`; `next=` names another one of the configured addresses. Send `code_challenge=` (S256)
    and keep its verifier: then the code is of no use to anybody else, and nobody can slip you theirs.
    """
    items = [_provider_facts(offered) for offered in offered_providers(current_settings())]
    return {"items": items, "next_cursor": None}


@blueprint.route("/social/token", methods=["POST"])
@public
@refuses(
    SocialCodeNotValid,
    identities.RegistrationNeeded,
    identities.AccountExists,
    EmailNotConfirmed,
    AccountBlocked,
    identities.NotForManagers,
)
@blueprint.arguments(SocialCodeSchema)
@blueprint.response(200, AccessTokenSchema)
def exchange_social_code(body: dict[str, Any]) -> dict[str, Any]:
    """Get an access token for the code of a social log-in.

    Somebody unknown gets 409 RegistrationNeeded; its facts are what the provider tells (email, email_verified,
    first_name, last_name) and a `registration_code` that works for 30 minutes.
    """
    with transaction():
        outcome = identities.exchange_code(body["code"], verifier=body["code_verifier"], session_facts=_session_facts())
    if isinstance(outcome, identities.Registration):  # the code is used up, so this is said after the commit
        raise identities.RegistrationNeeded(**_registration_facts(outcome))
    return _token_facts(outcome)


@blueprint.route("/social/register", methods=["POST"])
@public
@per_account
@per_registered_mailbox
@refuses(SocialCodeNotValid, EmailInvalid, identities.EmailNeeded, identities.AccountExists, identities.IdentityTaken)
@blueprint.arguments(RegisterWithCodeSchema)
@blueprint.alt_response(202, schema=MessageSchema)
@blueprint.response(201, AccessTokenSchema)
def register_with_social_code(body: dict[str, Any]) -> dict[str, Any] | Response:
    """Register a company and its first user, who logs in with a provider.

    With the e-mail that the provider vouches for this answers 201 and a token. With any other one it answers 202, and a
    mail with a confirmation link comes first; that answer is the same for an e-mail that has an account already.
    """
    with transaction():
        issued = identities.register_with_code(body.pop("code"), session_facts=_session_facts(), **body)
    if issued is None:
        accepted = jsonify(MAIL_SENT)
        accepted.status_code = 202
        return accepted
    return _token_facts(issued)


@blueprint.route("/social/accounts", methods=["GET"])
@authenticated("account:read")
@blueprint.response(200, SocialAccountsSchema)
def social_accounts() -> dict[str, Any]:
    """List the providers that open your account

    `GET auth/social` lists all that can be linked.
    """
    return {"items": identities.social_accounts_of(current_user()), "next_cursor": None}


@blueprint.route("/social/<string:provider>/link", methods=["POST"])
@authenticated()
@per_guesser
@refuses(ProviderUnknown, SessionNeeded, identities.NotForManagers, PasswordWrong, FreshLogInNeeded)
@blueprint.arguments(ProofSchema)
@blueprint.response(200, LinkStartSchema)
def start_linking(body: dict[str, Any], provider: str) -> dict[str, Any]:
    """Begin to link a provider to your account.

    Open `url` in your browser. It ends like a log-in, with `?code=…&purpose=link`; send that code to
    `POST /api/v1/auth/social/link` with your token. `next` and `code_challenge` may be added to the URL.
    """
    _offered(provider)
    with transaction():
        require_password(current_user(), body["password"], by_token=current_token())
        ticket, expires_at = identities.issue_ticket(current_user(), provider)
    return {"url": start_url(provider, current_settings(), ticket=ticket), "expires_at": expires_at}


@blueprint.route("/social/link", methods=["POST"])
@authenticated()
@refuses(
    SocialCodeNotValid, SessionNeeded, identities.IdentityTaken, identities.ProviderTaken, identities.NotForManagers
)
@blueprint.arguments(SocialCodeSchema)
@blueprint.response(200, SocialAccountSchema)
def link_social_account(body: dict[str, Any]) -> SocialAccount:
    """Finish linking a provider to your account

    With the code that the provider's page came back with, to the one who began (`POST auth/social/{provider}/link`). It
    can log you in from now on.
    """
    with transaction() as session:
        account = identities.link(current_user(), body["code"], verifier=body["code_verifier"])
        session.refresh(account)
    return account


@blueprint.route("/social/<other('accounts', 'link', 'register', 'token'):provider>", methods=["DELETE"])
@authenticated()
@refuses(identities.SocialAccountNotFound, SessionNeeded, identities.LastWayIn)
@blueprint.response(204)
def unlink_social_account(provider: str) -> None:
    """Unlink a provider from your account

    Unless nothing else would open it (409 `LastWayIn`): set a password first.
    """
    offered = frozenset(each.provider.key for each in offered_providers(current_settings()))
    with transaction():
        identities.unlink(current_user(), provider, offered=offered)


def _provider_facts(offered: OfferedProvider) -> dict[str, str]:
    key = offered.provider.key
    return {"provider": key, "name": offered.provider.name, "start_url": start_url(key, current_settings())}


def _token_facts(issued: tuple[AccessToken, str]) -> dict[str, Any]:
    token, secret = issued
    return {"access_token": secret, "token_type": "Bearer", "expires_at": token.expires_at}


def _registration_facts(registration: identities.Registration) -> dict[str, Any]:
    identity = registration.identity
    return {
        "registration_code": registration.code,
        "expires_at": registration.expires_at.isoformat(),
        "provider": identity.provider,
        "email": identity.email,
        "email_verified": identity.email_verified,
        "first_name": identity.first_name,
        "last_name": identity.last_name,
    }


def _offered(provider: str) -> OfferedProvider:
    for offered in offered_providers(current_settings()):
        if offered.provider.key == provider:
            return offered
    raise ProviderUnknown


def _session_facts() -> dict[str, Any]:
    """As `log_in` has them: until when, from where, with what."""
    return {
        "expires_at": now() + timedelta(days=current_settings().session_lifetime_days),
        "opened_from": caller_address(),
        "user_agent": request.headers.get("User-Agent"),
    }
