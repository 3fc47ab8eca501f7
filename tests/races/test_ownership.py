"""A company with open members never ends without an owner, whoever hands over, leaves or is removed at once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from shop.auth import account_closing
from shop.auth.account_closing import OwnerMustHandOver
from shop.auth.mailed_tokens import LinkNotValid
from shop.auth.models import AccessToken, User
from shop.companies import invitations, members
from shop.companies.approval import OwnerOnly
from shop.companies.members import MemberNotFound
from shop.database import session
from tests.factories.auth import PASSWORD, make_company, make_user, token_of


@pytest.fixture
def people() -> tuple[User, User, User]:
    """The owner and two members of one company, each with a session."""
    company = make_company()
    found = tuple(make_user(company=company) for _ in range(3))
    for person in found:
        token_of(person)
    return found


def close(person: User) -> None:
    token = session().scalars(select(AccessToken).filter_by(user_id=person.id)).first()
    account_closing.close_account(session().get_one(User, person.id), password=PASSWORD, by_token=token)


def hand_over(person: User, to: User) -> None:
    members.hand_over(to.id, by=session().get_one(User, person.id))


def remove(member: User, by: User) -> None:
    members.remove_member(member.id, by=session().get_one(User, by.id))


def owners(company_id: int) -> list[int]:
    open_members = select(User.id).where(User.company_id == company_id, User.is_owner, User.closed_at.is_(None))
    return list(session().scalars(open_members))


def test_who_is_leaving_becomes_no_owner(race, people, edge):
    owner, member, _ = people
    refusal = race(lambda: close(member), lambda: hand_over(owner, member))
    assert isinstance(refusal, MemberNotFound)
    with edge():
        assert owners(owner.company_id) == [owner.id]


def test_who_has_just_become_the_owner_hands_over_before_leaving(race, people, edge):
    owner, member, _ = people
    refusal = race(lambda: hand_over(owner, member), lambda: close(member))
    assert isinstance(refusal, OwnerMustHandOver)
    with edge():
        assert owners(owner.company_id) == [member.id]


def test_who_has_handed_over_removes_nobody_any_more(race, people, edge):
    owner, member, _ = people
    refusal = race(lambda: hand_over(owner, member), lambda: remove(member, by=owner))
    assert isinstance(refusal, OwnerOnly)
    with edge():
        assert owners(owner.company_id) == [member.id]


def test_who_was_removed_becomes_no_owner(race, people, edge):
    owner, member, _ = people
    refusal = race(lambda: remove(member, by=owner), lambda: hand_over(owner, member))
    assert isinstance(refusal, MemberNotFound)
    with edge():
        assert owners(owner.company_id) == [owner.id]


def test_of_two_handed_over_to_at_once_one_becomes_the_owner(race, people, edge):
    owner, first, second = people
    refusal = race(lambda: hand_over(owner, first), lambda: hand_over(owner, second))
    assert isinstance(refusal, OwnerOnly)
    with edge():
        assert owners(owner.company_id) == [first.id]


def test_an_operator_gives_no_company_to_who_is_leaving(race, people, edge):
    owner, member, _ = people
    refusal = race(lambda: close(member), lambda: members.make_owner(session().get_one(User, member.id)))
    assert isinstance(refusal, MemberNotFound)
    with edge():
        assert owners(owner.company_id) == [owner.id]


@pytest.fixture
def last_one() -> User:
    """The only person of a company, and its owner."""
    owner = make_user()
    token_of(owner)
    return owner


@pytest.fixture
def join(edge, settings, last_one) -> Callable[[], None]:
    """Accepts an invitation into that company."""
    week, key = timedelta(days=7), settings.signing_key
    with edge():
        by = session().get_one(User, last_one.id)
        invited = invitations.invite_member("igor@chain.example", lifetime=week, locale="ru", by=by)
        link = invitations.invitation_token(invited, secret_key=key)
    names = {"first_name": "Игорь", "last_name": "Белов", "position": None, "locale": None}
    return lambda: invitations.accept_invitation(link, password=PASSWORD, **names, secret_key=key, lifetime=week)


def test_nobody_joins_a_company_that_its_last_member_is_closing(race, edge, last_one, join):
    assert isinstance(race(lambda: close(last_one), join), LinkNotValid)
    with edge():
        assert session().scalar(select(func.count()).where(User.closed_at.is_(None))) == 0


def test_who_joins_keeps_the_last_member_from_closing_the_company(race, edge, last_one, join):
    assert isinstance(race(join, lambda: close(last_one)), OwnerMustHandOver)
    with edge():
        assert owners(last_one.company_id) == [last_one.id]


def test_who_joins_has_the_company_first_and_then_the_invitation(race, edge, last_one, join):
    """As who closes the company does: otherwise each of the two would have what the other waits for."""
    refusal = race(join, lambda: close(last_one), before="INSERT INTO users")
    assert isinstance(refusal, OwnerMustHandOver)
    with edge():
        assert owners(last_one.company_id) == [last_one.id]


def test_who_hands_over_waits_for_who_joins(race, edge, last_one, join):
    member = make_user(company_id=last_one.company_id)
    assert race(join, lambda: hand_over(last_one, member), before="INSERT INTO users") is None
    with edge():
        assert owners(last_one.company_id) == [member.id]
        members_now = select(func.count()).where(User.company_id == last_one.company_id, User.closed_at.is_(None))
        assert session().scalar(members_now) == 3
