"""How often passwords may be guessed: per account and address, per account, and per address."""

from collections.abc import Iterator

import pytest
import redis
import time_machine
from flask import Flask

from shop.auth.known_addresses import is_known_place, note_place, purge_places
from shop.auth.models import User
from shop.auth.password_changes import reset_token
from shop.database import now, session
from tests.factories.auth import PASSWORD, bearer, make_user

AUTH = "/api/v1/auth"


@pytest.fixture
def limited(app: Flask, settings, redis_url) -> Iterator[Flask]:
    with redis.Redis.from_url(redis_url) as valkey:
        valkey.flushdb()
    limits = {"login": "10/minute", "login_account": "3/hour", "login_address": "4/hour", "reset": "2/hour"}
    app.extensions["settings"] = settings.model_copy(
        update={f"throttle_{name}": limit for name, limit in limits.items()}
    )
    yield app
    app.extensions["settings"] = settings


def log_in(client, email: str, password: str = "wrong horse battery", *, place: str = "10.0.0.1") -> int:
    body = {"email": email, "password": password}
    return client.post(f"{AUTH}/login", json=body, environ_base={"REMOTE_ADDR": place}).status_code


def test_guesses_from_everywhere_at_one_account_end_without_locking_its_owner_out(limited, client):
    make_user(email="anna@chain.example")
    assert log_in(client, "anna@chain.example", PASSWORD, place="10.0.0.9") == 200
    guesses = [log_in(client, "Anna@chain.example", place=f"10.0.1.{number}") for number in range(4)]
    assert guesses == [401, 401, 401, 429]
    assert log_in(client, "anna@chain.example", PASSWORD, place="10.0.1.77") == 429
    assert log_in(client, "anna@chain.example", PASSWORD, place="10.0.0.9") == 200


def test_a_reset_by_mail_opens_a_new_place_while_strangers_guess_on(limited, client):
    user = make_user(email="anna@chain.example")
    places = (f"10.0.1.{number}" for number in range(100))

    def guess() -> int:
        return [log_in(client, user.email, place=place) for _, place in zip(range(5), places, strict=False)][-1]

    for page in (False, True):
        home = {"REMOTE_ADDR": f"10.0.{7 + page}.7"}
        assert guess() == 429
        assert log_in(client, user.email, PASSWORD, place=home["REMOTE_ADDR"]) == 429
        with limited.app_context():
            now_is = session().get_one(User, user.id)
            token = reset_token(now_is, user.email, secret_key=limited.extensions["settings"].signing_key)
        body = {"token": token, "password": PASSWORD}
        if page:
            assert client.post("/reset-password", data=body, environ_base=home).status_code == 200
        else:
            assert client.post(f"{AUTH}/password-reset/confirm", json=body, environ_base=home).status_code == 200
        assert guess() == 429
        assert log_in(client, user.email, PASSWORD, place=home["REMOTE_ADDR"]) == 200


def test_logging_out_does_not_make_home_a_strange_place(limited, client):
    make_user(email="anna@chain.example")
    home = {"REMOTE_ADDR": "10.0.0.9"}
    body = {"email": "anna@chain.example", "password": PASSWORD}
    secret = client.post(f"{AUTH}/login", json=body, environ_base=home).json["access_token"]
    assert client.post(f"{AUTH}/logout", headers={"Authorization": f"Bearer {secret}"}).status_code == 204
    assert [log_in(client, "anna@chain.example", place=f"10.0.1.{number}") for number in range(4)][-1] == 429
    assert log_in(client, "anna@chain.example", PASSWORD, place="10.0.0.9") == 200


def test_places_are_forgotten_after_three_months(edge):
    user = make_user()
    with edge():
        note_place(user, "10.0.0.9")
    for day, is_known in ((89, True), (91, False)):
        with time_machine.travel(now().timestamp() + day * 86400, tick=False), edge():
            purge_places()
            assert is_known_place(user.email, "10.0.0.9") is is_known


def test_one_address_cannot_try_many_accounts(limited, client):
    make_user(email="anna@chain.example")
    guesses = [log_in(client, f"user{number}@chain.example") for number in range(5)]
    assert guesses == [401, 401, 401, 401, 429]
    assert log_in(client, "anna@chain.example", PASSWORD, place="10.0.0.2") == 200


def test_right_passwords_do_not_count_as_guesses(limited, client):
    make_user(email="anna@chain.example")
    assert [log_in(client, "anna@chain.example", PASSWORD) for _ in range(6)] == [200] * 6


def test_a_mailbox_cannot_be_filled_from_many_addresses(limited, client):
    def ask(number: int) -> int:
        place = {"REMOTE_ADDR": f"10.0.2.{number}"}
        return client.post(
            f"{AUTH}/password-reset", json={"email": "anna@chain.example"}, environ_base=place
        ).status_code

    assert [ask(number) for number in range(3)] == [202, 202, 429]


def test_registering_again_and_again_fills_no_mailbox_known_or_not(limited, client, form, drain, mailbox):
    """Nor do the other spellings of it that many servers know."""
    make_user(email="known@chain.example")
    for name in ("known", "unknown"):
        spellings = (name, f"{name}+1", f"{name[0]}.{name[1:]}", f"{name.upper()}+2")
        answers = [
            client.post(
                f"{AUTH}/register",
                json={**form, "email": f"{spelling}@chain.example"},
                environ_base={"REMOTE_ADDR": f"10.0.3.{number}"},
            ).status_code
            for number, spelling in enumerate(spellings)
        ]
        assert answers == [202, 202, 429, 429]
    drain()
    assert len(mailbox) == 4


def test_a_weak_password_does_not_count_as_a_mail(limited, client, form):
    answers = [
        client.post(f"{AUTH}/register", json={**form, "password": password}).status_code
        for password in ("password1234",) * 3 + (PASSWORD,)
    ]
    assert answers == [422, 422, 422, 202]


def test_an_email_change_fills_neither_one_mailbox_nor_many(limited, client):
    def ask(token: dict[str, str], email: str) -> int:
        return client.patch(f"{AUTH}/me", json={"email": email, "password": PASSWORD}, headers=token).status_code

    assert [ask(bearer(make_user()), "victim@chain.example") for _ in range(3)] == [200, 200, 429]
    one = bearer(make_user())
    assert [ask(one, f"victim{number}@chain.example") for number in range(3)] == [200, 200, 429]
    assert client.patch(f"{AUTH}/me", json={"first_name": "Мария"}, headers=one).status_code == 200


def test_a_company_invites_no_more_than_its_number_a_day(limited, client):
    limited.extensions["settings"] = limited.extensions["settings"].model_copy(update={"throttle_invitations": "2/day"})
    first, second = bearer(make_user()), bearer(make_user())

    def invite(token: dict[str, str], number: int) -> int:
        body = {"email": f"guest{number}@chain.example"}
        return client.post(f"{AUTH}/company/invitations", json=body, headers=token).status_code

    assert [invite(first, number) for number in range(3)] == [201, 201, 429]
    assert invite(second, 9) == 201


def test_an_open_session_cannot_guess_the_password(limited, client):
    limited.extensions["settings"] = limited.extensions["settings"].model_copy(update={"throttle_login": "2/minute"})
    token = bearer(make_user())
    body = {"present_password": "wrong horse battery", "new_password": "another good one"}
    guesses = [client.post(f"{AUTH}/change-password", json=body, headers=token).status_code for _ in range(3)]
    assert guesses == [403, 403, 429]
