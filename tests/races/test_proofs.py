"""An owner who ends sessions keeps out whoever is making himself another way in at the same moment."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from shop.auth import api_keys, password_changes
from shop.auth.models import AccessToken, User
from shop.auth.social import identities
from shop.auth.social.codes import SocialCodeNotValid
from shop.auth.social.models import SocialAccount
from shop.auth.social.providers import Identity
from shop.database import now, session
from shop.errors import Unauthenticated
from tests.factories.auth import PASSWORD, make_user, token_of

WEEK = timedelta(days=7)
STRANGER = Identity("google", "666", None, False, "Злой", "Чужак")


@pytest.fixture
def owner() -> User:
    """With a session that somebody else holds."""
    user = make_user()
    token_of(user)
    return user


@pytest.fixture
def reset(owner, settings) -> Callable[[], None]:
    """The owner sets another password and ends all that is not theirs."""

    def run() -> None:
        user = session().get_one(User, owner.id)
        token = password_changes.reset_token(user, user.email, secret_key=settings.signing_key)
        password_changes.reset_password(
            token, password=PASSWORD, secret_key=settings.signing_key, lifetime=WEEK, end_api_keys=True
        )

    return run


def left(owner: User) -> tuple[int, int]:
    """How many tokens and identities open the account."""
    tokens = session().scalars(select(AccessToken.id).where(AccessToken.user_id == owner.id)).all()
    linked = session().scalars(select(SocialAccount.id).where(SocialAccount.user_id == owner.id)).all()
    return len(tokens), len(linked)


def test_an_ended_session_makes_no_key(race, owner, reset, edge):
    def make_key() -> None:
        token = session().scalars(select(AccessToken).filter_by(user_id=owner.id)).one()
        scopes = ["account:read"]
        api_keys.create_api_key(token.user, name="mine", scopes=scopes, known_scopes=scopes, by_token=token)

    assert isinstance(race(reset, make_key), Unauthenticated)
    with edge():
        assert left(owner) == (0, 0)


def test_a_dropped_identity_opens_no_session(race, owner, reset, edge):
    with edge():
        session().add(SocialAccount(user_id=owner.id, provider="google", provider_user_id="666"))
        code = identities.issue_code(STRANGER, state="a", challenge=None, link_user_id=None)

    def log_in() -> None:
        identities.exchange_code(code, verifier=None, session_facts={"expires_at": now() + WEEK})

    assert isinstance(race(reset, log_in), SocialCodeNotValid)
    with edge():
        assert left(owner) == (0, 0)


def test_a_linking_under_way_ends(race, owner, reset, edge):
    with edge():
        code = identities.issue_code(STRANGER, state="a", challenge=None, link_user_id=owner.id)

    def link() -> None:
        identities.link(session().get_one(User, owner.id), code, verifier=None)

    assert isinstance(race(reset, link), SocialCodeNotValid)
    with edge():
        assert left(owner) == (0, 0)


def test_a_linking_that_is_being_finished_is_dropped(race, owner, reset, edge):
    with edge():
        code = identities.issue_code(STRANGER, state="a", challenge=None, link_user_id=owner.id)

    def link() -> None:
        identities.link(session().get_one(User, owner.id), code, verifier=None)

    assert race(link, reset) is None
    with edge():
        assert left(owner) == (0, 0)
