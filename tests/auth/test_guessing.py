"""How often passwords may be guessed: per account and address, per account, and per address."""

from collections.abc import Iterator

import pytest
import redis
from flask import Flask

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


def test_an_open_session_cannot_guess_the_password(limited, client):
    limited.extensions["settings"] = limited.extensions["settings"].model_copy(update={"throttle_login": "2/minute"})
    token = bearer(make_user())
    body = {"present_password": "wrong horse battery", "new_password": "another good one"}
    guesses = [client.post(f"{AUTH}/change-password", json=body, headers=token).status_code for _ in range(3)]
    assert guesses == [403, 403, 429]
