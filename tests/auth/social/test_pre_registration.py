"""An address that a stranger has registered and cannot prove does not keep its owner out."""

from sqlalchemy import select

from shop.auth.models import Company, User
from shop.database import session
from tests.auth.social.conftest import AUTH

STRANGERS = "purple monkey dishwasher"


def test_unvouched_identities_fill_no_mailbox(app, person, register, redis_url):
    built_with = app.extensions["settings"]
    limits = {"throttle_login": "100/minute", "throttle_reset": "2/hour"}
    app.extensions["settings"] = built_with.model_copy(update=limits)
    try:
        people = [person(str(number), email="victim@chain.example", email_verified=False) for number in range(3)]
        assert [register("oidc", stranger).status_code for stranger in people] == [202, 202, 429]
    finally:
        app.extensions["settings"] = built_with


def test_a_vouched_email_takes_the_place_of_an_unconfirmed_registration(client, anna, register, edge):
    person = {"first_name": "Злой", "last_name": "Чужак", "role": "supplier", "company": "Чужая"}
    body = {"email": "anna@gmail.com", "password": STRANGERS, **person}
    assert client.post(f"{AUTH}/register", json=body).status_code == 202
    assert register("google", anna).status_code == 201
    log_in = {"email": "anna@gmail.com", "password": STRANGERS}
    assert client.post(f"{AUTH}/login", json=log_in).status_code == 401
    with edge():
        user = session().scalars(select(User)).one()
        assert (user.first_name, user.role, user.password_hash) == ("Анна", "buyer", None)
        assert session().scalars(select(Company.name)).all() == ["Рябинка"]


def test_an_identity_waits_for_its_unproved_email_and_goes_with_it(
    client, person, register, drain, mailbox, exchange, browser
):
    """A stranger's identity on the owner's address; then the owner registers with a password."""
    stranger = person("666", email="anna@chain.example", email_verified=False)
    assert register("oidc", stranger).status_code == 202
    owner = {"first_name": "Анна", "last_name": "К", "role": "buyer", "company": "Рябинка"}
    body = {"email": "anna@chain.example", "password": "correct horse battery", **owner}
    assert client.post(f"{AUTH}/register", json=body).status_code == 202
    drain()
    assert client.post(f"{AUTH}/confirm-email", json={"token": mailbox.token}).status_code == 200
    assert exchange(browser.log_in("oidc", stranger)["code"]).json["code"] == "RegistrationNeeded"
