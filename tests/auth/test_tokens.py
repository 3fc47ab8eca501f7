"""What a token opens, and when it stops to."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from shop.auth.models import ACTIVE, BLOCKED, MANAGER, PENDING, AccessToken, Company, User
from shop.auth.tokens import end_token, find_caller, issue_token
from shop.database import now, session
from tests.factories.auth import make_company, make_user, token_of


def test_opens_for_its_user_with_one_statement(edge, count_statements):
    user = make_user()
    secret = token_of(user)
    with edge(), count_statements() as statements:
        caller = find_caller(secret)
    assert (caller.user_id, caller.company_id, caller.role) == (user.id, user.company_id, user.role)
    assert len(statements) == 1


def test_keeps_no_secret(edge):
    with edge():
        token, secret = issue_token(make_user(), expires_at=None)
        session().flush()
        assert secret.startswith(token.prefix)
        assert secret.encode() not in token.hash
        assert len(secret) > 40


@pytest.mark.parametrize("secret", ["", "shop_s_", "shop_s_unknown", "shop_s_\x00", "shop_s_\udcff", "other"])
def test_opens_nothing_when_unknown(edge, secret):
    with edge():
        assert find_caller(secret) is None


def test_ends_with_its_time(edge):
    with edge():
        _, secret = issue_token(make_user(), expires_at=now() - timedelta(seconds=1))
        session().flush()
        assert find_caller(secret) is None


def test_ends_when_it_is_ended(edge):
    secret = token_of(make_user())
    with edge():
        end_token(session().get_one(AccessToken, find_caller(secret).token_id))
    with edge():
        assert find_caller(secret) is None
        assert session().query(AccessToken).count() == 0


@pytest.mark.parametrize("change", [{"blocked_at": now()}, {"closed_at": now()}, {"email_confirmed_at": None}])
def test_opens_nothing_for_a_user_who_may_not_log_in(edge, change):
    user = make_user()
    secret = token_of(user)
    with edge():
        session().query(User).filter_by(id=user.id).update(change)
    with edge():
        assert find_caller(secret) is None


@pytest.mark.parametrize("status", [PENDING, ACTIVE, BLOCKED, None])
@pytest.mark.parametrize(
    ("of_user", "lets_in"),
    [
        ({}, True),
        ({"email_confirmed_at": None}, False),
        ({"blocked_at": now()}, False),
        ({"closed_at": now()}, False),
        ({"blocked_at": now(), "closed_at": now()}, False),
    ],
)
def test_sql_lets_in_whom_python_lets_in(edge, status, of_user, lets_in):
    """Managers have no company that could be blocked."""
    user = make_user(MANAGER) if status is None else make_user(company=make_company(status=status))
    if of_user:
        with edge() as current:
            current.query(User).filter_by(id=user.id).update(of_user)
    with edge() as current:
        [(found, in_sql)] = current.execute(select(User, User.may_log_in)).all()
        assert (found.may_log_in, in_sql) == ((lets_in and status != BLOCKED,) * 2)


def test_opens_nothing_for_people_of_a_blocked_company(edge):
    user = make_user()
    secret = token_of(user)
    with edge():
        session().get_one(Company, user.company_id).status = BLOCKED
    with edge():
        assert find_caller(secret) is None
