"""The second factor of managers: set up, asked for, each code once, and required where a setting says so."""

import threading

import pyotp
import pytest
import time_machine
from sqlalchemy import select

from shop.auth import second_factor
from shop.auth.models import RecoveryCode, TotpFactor, User
from shop.auth.second_factor import OtpWrong
from shop.database import now, session
from tests.factories.auth import PASSWORD, bearer, make_user

AUTH = "/api/v1/auth"


@pytest.fixture
def manager() -> User:
    return make_user("manager", email="boss@shop.example", locale="en")


def log_in(client, **otp):
    return client.post(f"{AUTH}/login", json={"email": "boss@shop.example", "password": PASSWORD, **otp})


def switch_on(client, token) -> tuple[pyotp.TOTP, list[str]]:
    """As of a minute ago, so that today's codes are fresh."""
    secret = client.post(f"{AUTH}/totp", json={"password": PASSWORD}, headers=token).json["secret"]
    totp = pyotp.TOTP(secret)
    earlier = now().timestamp() - 90
    with time_machine.travel(earlier, tick=False):
        verified = client.post(f"{AUTH}/totp/verify", json={"otp": totp.at(earlier)}, headers=token)
    return totp, verified.json["recovery_codes"]


def test_from_set_up_to_log_in(client, manager, drain, mailbox):
    token, elsewhere = bearer(manager), bearer(manager)
    set_up = client.post(f"{AUTH}/totp", json={"password": PASSWORD}, headers=token)
    assert set_up.status_code == 201
    assert set_up.json["otpauth_uri"].startswith("otpauth://totp/Shop:boss%40shop.example?secret=")
    assert log_in(client).status_code == 200
    totp, codes = switch_on(client, token)
    assert len(set(codes)) == 10
    assert client.get(f"{AUTH}/me", headers=token).json["has_second_factor"]
    assert client.get(f"{AUTH}/me", headers=elsewhere).status_code == 401

    asked = log_in(client)
    assert (asked.status_code, asked.json["code"]) == (401, "OtpRequired")
    code = totp.now()
    assert log_in(client, otp=code).status_code == 200
    replayed = log_in(client, otp=code)
    assert (replayed.status_code, replayed.json["code"]) == (401, "OtpWrong")
    assert client.post(f"{AUTH}/totp", json={"password": PASSWORD}, headers=token).json["code"] == "SecondFactorOn"
    drain()
    assert mailbox[-1]["Subject"] == "The second factor was switched on"


def test_a_wrong_code_switches_nothing_on(client, manager):
    token = bearer(manager)
    client.post(f"{AUTH}/totp", json={"password": PASSWORD}, headers=token)
    answer = client.post(f"{AUTH}/totp/verify", json={"otp": "abcdef"}, headers=token)
    assert (answer.status_code, answer.json["code"]) == (422, "OtpInvalid")
    assert not client.get(f"{AUTH}/me", headers=token).json["has_second_factor"]


def test_a_recovery_code_works_once(client, manager, drain, mailbox):
    _, codes = switch_on(client, bearer(manager))
    typed = codes[0].lower().replace("-", " ")
    assert log_in(client, otp=typed).status_code == 200
    assert log_in(client, otp=codes[0]).status_code == 401
    assert log_in(client, otp=codes[1]).status_code == 200
    drain()
    assert mailbox[-1]["Subject"] == "A recovery code was used"


def test_is_switched_off_with_a_code(client, manager):
    token = bearer(manager)
    _, codes = switch_on(client, token)
    assert client.post(f"{AUTH}/totp/disable", json={"otp": "000"}, headers=token).status_code == 422
    assert client.post(f"{AUTH}/totp/disable", json={"otp": codes[0]}, headers=token).status_code == 204
    assert client.post(f"{AUTH}/totp/disable", json={"otp": codes[1]}, headers=token).status_code == 409
    assert log_in(client).status_code == 200


def test_is_asked_for_only_after_the_password(client, manager):
    totp, _ = switch_on(client, bearer(manager))
    body = {"email": manager.email, "password": "wrong horse battery", "otp": totp.now()}
    assert client.post(f"{AUTH}/login", json=body).json["code"] == "LoginFailed"


def test_keeps_neither_secret_nor_codes_readable(client, manager, edge):
    totp, codes = switch_on(client, bearer(manager))
    with edge():
        assert totp.secret.encode() not in session().scalars(select(TotpFactor.secret)).one()
        hashes = session().scalars(select(RecoveryCode.hash)).all()
        assert len(hashes) == 10
        assert all(code.encode() not in hashed for code in codes for hashed in hashes)


def test_a_secret_of_another_key_opens_nothing(client, manager, edge, settings):
    totp, _ = switch_on(client, bearer(manager))
    with edge():
        user = session().get_one(User, manager.id)
        with pytest.raises(OtpWrong):
            second_factor.check_second_factor(user, totp.now(), secret_key="another key")


def test_of_two_at_once_with_the_same_code_one_gets_in(client, manager, edge, settings, wait_for_lock):
    totp, _ = switch_on(client, bearer(manager))
    code, outcome = totp.now(), []

    def rival() -> None:
        with edge():
            try:
                second_factor.check_second_factor(
                    session().get_one(User, manager.id), code, secret_key=settings.signing_key
                )
            except OtpWrong as refusal:
                outcome.append(refusal)

    thread = threading.Thread(target=rival)
    with edge():
        user = session().get_one(User, manager.id)
        second_factor.check_second_factor(user, code, secret_key=settings.signing_key)
        thread.start()
        wait_for_lock()
    thread.join(10)
    assert len(outcome) == 1


def test_where_it_is_required_a_manager_may_only_set_it_up(app, client, manager, settings):
    app.extensions["settings"] = settings.model_copy(update={"manager_totp_required": True})
    try:
        token = bearer(manager)
        refused = client.get(f"{AUTH}/companies", headers=token)
        assert (refused.status_code, refused.json["code"]) == (403, "SecondFactorNeeded")
        assert client.post(f"{AUTH}/api-keys", json={}, headers=token).json["code"] == "SecondFactorNeeded"
        assert client.get(f"{AUTH}/me", headers=token).status_code == 200
        assert client.get(f"{AUTH}/contacts", headers=bearer(make_user())).status_code == 200
        switch_on(client, token)
        assert client.get(f"{AUTH}/companies", headers=token).status_code == 200
    finally:
        app.extensions["settings"] = settings


def test_is_removed_by_an_operator(app, client, manager):
    switch_on(client, bearer(manager))
    assert app.test_cli_runner().invoke(args=["users", "remove-second-factor", manager.email]).exit_code == 0
    assert log_in(client).status_code == 200


def test_is_for_managers(client):
    assert client.post(f"{AUTH}/totp", json={}, headers=bearer(make_user())).status_code == 403


def test_an_open_session_alone_sets_none_up(client, manager):
    """Else who found one would log the owner out and keep him out with an app of his own."""
    for password in ({}, {"password": "wrong horse battery"}):
        answer = client.post(f"{AUTH}/totp", json=password, headers=bearer(manager))
        assert (answer.status_code, answer.json["code"]) == (403, "PasswordWrong")
