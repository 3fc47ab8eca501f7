"""Who registers a foreign address gains nothing by it: its owner's first proof leaves nothing of the stranger's."""

import threading

import pytest
from sqlalchemy import select

from shop.auth import accounts
from shop.auth.models import Company, LegalEntity, User
from shop.auth.social.models import SocialAccount
from shop.database import session
from tests.factories.auth import PASSWORD, make_api_key

AUTH = "/api/v1/auth"
STRANGERS = "purple monkey dishwasher"


@pytest.fixture
def stranger(client, form, edge, drain, mailbox) -> str:
    """Registers the owner's address with a password, an identity and a key; the token of the mailed link."""
    body = {**form, "password": STRANGERS, "first_name": "Злой", "company": "Чужая", "role": "supplier"}
    assert client.post(f"{AUTH}/register", json=body).status_code == 202
    with edge():
        user = session().scalars(select(User)).one()
        session().add(SocialAccount(user_id=user.id, provider="google", provider_user_id="1"))
    drain()
    return mailbox.token


def log_in(client, email: str, password: str) -> int:
    return client.post(f"{AUTH}/login", json={"email": email, "password": password}).status_code


def confirm(client, token: str) -> int:
    return client.post(f"{AUTH}/confirm-email", json={"token": token}).status_code


def test_the_latest_registration_counts_and_nothing_of_the_former_survives(
    client, form, stranger, edge, drain, mailbox
):
    with edge():
        key = make_api_key(session().scalars(select(User)).one(), "account:read")
    client.post(f"{AUTH}/register", json=form)
    drain()
    assert confirm(client, stranger) == 422
    assert confirm(client, mailbox.token) == 200
    assert log_in(client, form["email"], STRANGERS) == 401
    assert log_in(client, form["email"], PASSWORD) == 200
    assert client.get(f"{AUTH}/me", headers=key).status_code == 401
    with edge():
        user = session().scalars(select(User)).one()
        assert (user.first_name, user.role, user.company.name, user.is_owner) == ("Анна", "buyer", "Рябинка", True)
        assert session().scalars(select(Company.name)).all() == ["Рябинка"]
        assert session().scalars(select(SocialAccount)).all() == []


def test_a_confirmed_account_is_replaced_by_nobody(client, form, stranger, edge):
    assert confirm(client, stranger) == 200
    client.post(f"{AUTH}/register", json=form)
    assert log_in(client, form["email"], STRANGERS) == 200
    with edge():
        assert session().scalars(select(Company.name)).all() == ["Чужая"]


def test_a_company_that_the_operator_has_described_stays(client, form, stranger, edge):
    with edge():
        company = session().scalars(select(Company)).one()
        session().add(
            LegalEntity(company_id=company.id, full_name="Ч", short_name="Ч", inn="0000100012", legal_address="М")
        )
    client.post(f"{AUTH}/register", json=form)
    with edge():
        assert session().scalars(select(Company.name).order_by(Company.id)).all() == ["Чужая", "Рябинка"]
        assert session().scalars(select(User)).one().company.name == "Рябинка"


def test_a_reset_drops_identities_linked_before_the_mailbox_was_proved(client, form, stranger, edge, drain, mailbox):
    """Even where the owner was talked into confirming the stranger's registration."""
    assert confirm(client, stranger) == 200
    client.post(f"{AUTH}/password-reset", json={"email": form["email"]})
    drain()
    body = {"token": mailbox.token, "password": PASSWORD}
    assert client.post(f"{AUTH}/password-reset/confirm", json=body).status_code == 200
    with edge():
        assert session().scalars(select(SocialAccount)).all() == []


@pytest.mark.parametrize("locale", ["ru", "en"])
def test_before_the_first_proof_a_reset_only_says_to_register_again(
    client, form, stranger, edge, drain, mailbox, locale
):
    """Whatever proved the mailbox for the stranger's registration would leave his names, role and company in it."""
    with edge():
        session().scalars(select(User)).one().locale = locale
    mailbox.clear()
    answers = {
        client.post(f"{AUTH}/password-reset", json={"email": email}).data
        for email in (form["email"], "nobody@chain.example")
    }
    assert len(answers) == 1
    drain()
    [mail] = mailbox
    assert (mail["To"], "/api/v1/auth/register" in mailbox.text) == (form["email"], True)
    assert "token=" not in mail.as_string() + mailbox.text
    client.post(f"{AUTH}/register", json=form)
    drain()
    assert confirm(client, mailbox.token) == 200
    assert log_in(client, form["email"], PASSWORD) == 200
    with edge():
        user = session().scalars(select(User)).one()
        assert (user.first_name, user.role, user.company.name) == ("Анна", "buyer", "Рябинка")


def test_a_reset_leaves_identities_that_the_owner_linked_later(client, form, edge, drain, mailbox):
    client.post(f"{AUTH}/register", json=form)
    drain()
    assert confirm(client, mailbox.token) == 200
    with edge():
        user = session().scalars(select(User)).one()
        session().add(SocialAccount(user_id=user.id, provider="google", provider_user_id="1"))
    client.post(f"{AUTH}/password-reset", json={"email": form["email"]})
    drain()
    body = {"token": mailbox.token, "password": "another good one"}
    assert client.post(f"{AUTH}/password-reset/confirm", json=body).status_code == 200
    with edge():
        assert len(session().scalars(select(SocialAccount)).all()) == 1


def test_a_registration_waits_for_a_confirmation_under_way_and_then_replaces_nothing(
    edge, form, stranger, settings, wait_for_lock
):
    def register() -> None:
        with edge():
            accounts.register(**form)

    rival = threading.Thread(target=register)
    with edge():
        user = session().scalars(select(User).with_for_update()).one()
        rival.start()
        wait_for_lock()
        user.email_confirmed_at = user.created_at
    rival.join(10)
    with edge():
        assert session().scalars(select(User)).one().company.name == "Чужая"
