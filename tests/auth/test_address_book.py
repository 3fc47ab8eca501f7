"""Delivery points: whose they are, how many, and their phones."""

import threading

import pytest
from sqlalchemy import func, select

from shop.auth.models import User
from shop.companies import contacts
from shop.companies.approval import OwnerOnly
from shop.companies.contacts import ContactNotFound, PhoneInvalid, TooManyContacts, normalized_phone
from shop.companies.models import Contact
from shop.database import session
from tests.factories.auth import make_company, make_contact, make_user

ADDRESS = {"name": "001", "city": "Москва", "street": "ул. Лесная", "house": "5", "phone": "8 (495) 123-45-67"}


def _contact_of_company(company) -> Contact:
    contact = Contact(company_id=company.id, **ADDRESS)
    session().add(contact)
    session().flush()
    return contact


def test_keeps_what_was_said_and_an_international_phone(edge):
    user = make_user()
    with edge():
        contact = contacts.create_contact(user, limit=5, **ADDRESS, apartment="12")
        assert contact.phone == "+74951234567"
        assert contact.address == "г. Москва, ул. Лесная, д. 5, кв./оф. 12"


def test_shows_own_contacts_and_those_of_the_company_only(edge):
    company = make_company()
    anna, igor = make_user(company=company), make_user(company=company)
    own, _of_colleague, _of_stranger = make_contact(anna), make_contact(igor), make_contact(make_user())
    with edge():
        shared = _contact_of_company(company)
        _contact_of_company(make_company())
        assert [contact.id for contact in contacts.contacts_of(anna)] == [own.id, shared.id]
        assert contacts.find_contact(anna, shared.id) is shared


def test_a_manager_without_a_company_sees_no_companys_contacts(edge):
    with edge():
        _contact_of_company(make_company())
        assert contacts.contacts_of(make_user("manager")) == []


def test_a_foreign_contact_is_as_unknown_as_one_that_never_was(edge):
    user, foreign = make_user(), make_contact(make_user())
    for contact_id in (foreign.id, 404):
        with edge(), pytest.raises(ContactNotFound):
            contacts.find_contact(user, contact_id)


def test_refuses_one_more_than_the_limit(edge):
    user = make_user()
    make_contact(user)
    make_contact(make_user())
    with edge():
        contacts.create_contact(user, limit=2, **ADDRESS)
        with pytest.raises(TooManyContacts) as refusal:
            contacts.create_contact(user, limit=2, **ADDRESS)
        assert refusal.value.facts == {"limit": 2}


def test_two_at_once_do_not_pass_the_limit(edge, wait_for_lock):
    user, outcome = make_user(), []

    def create() -> None:
        try:
            with edge():
                contacts.create_contact(user, limit=1, **ADDRESS)
        except TooManyContacts as refusal:
            outcome.append(refusal)

    rival = threading.Thread(target=create)
    with edge():
        contacts.create_contact(user, limit=1, **ADDRESS)
        rival.start()
        wait_for_lock()
    rival.join(10)
    with edge():
        assert session().scalar(select(func.count()).select_from(Contact)) == 1
    assert len(outcome) == 1


def test_deletes_own_contacts_and_those_of_the_company_only_as_its_owner(edge):
    company = make_company()
    owner = make_user(company=company)
    user = make_user(company=company)
    own, foreign = make_contact(user), make_contact(make_user())
    with edge():
        shared = _contact_of_company(company)
        contacts.delete_contact(session().get_one(User, user.id), own.id)
        for kept in (foreign.id, own.id):
            with pytest.raises(ContactNotFound):
                contacts.delete_contact(user, kept)
        with pytest.raises(OwnerOnly):
            contacts.delete_contact(user, shared.id)
        assert {contact.id for contact in session().scalars(select(Contact))} == {foreign.id, shared.id}
        contacts.delete_contact(owner, shared.id)
        assert {contact.id for contact in session().scalars(select(Contact))} == {foreign.id}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("+7 495 123-45-67", "+74951234567"),
        ("84951234567", "+74951234567"),
        ("(495) 123 45 67", "+74951234567"),
        ("+375 29 123-45-67", "+375291234567"),
        ("8 495 123-45-67 доб. 12", "+74951234567 ext. 12"),
    ],
)
def test_understands_phones_as_people_write_them(written, kept):
    assert normalized_phone(written) == kept


@pytest.mark.parametrize("written", ["", "12", "call me", "+7 495 123", "+999 123456789", "1" * 300])
def test_refuses_what_is_no_phone(written):
    with pytest.raises(PhoneInvalid) as refusal:
        normalized_phone(written)
    assert refusal.value.errors[0].field == "phone"
