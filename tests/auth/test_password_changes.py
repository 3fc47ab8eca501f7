"""Changing a password, and setting a new one by mail."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from sqlalchemy import select

from shop.auth import password_changes
from shop.auth.models import User
from shop.auth.password_changes import reset_token
from shop.database import now, session
from tests.factories.auth import PASSWORD, bearer, make_api_key, make_user

AUTH = "/api/v1/auth"
NEW = "another good one"


def log_in(client, email: str, password: str = PASSWORD):
    return client.post(f"{AUTH}/login", json={"email": email, "password": password})


def is_open(client, token) -> bool:
    return client.get(f"{AUTH}/me", headers=token).status_code == 200


def ask(client, email: str):
    return client.post(f"{AUTH}/password-reset", json={"email": email})


def reset(client, token: str, password: str = NEW, **others):
    return client.post(f"{AUTH}/password-reset/confirm", json={"token": token, "password": password, **others})


class TestChange:
    def test_ends_all_other_sessions_and_tells_the_owner(self, client, drain, mailbox):
        user = make_user(email="anna@chain.example", locale="en")
        here, elsewhere, key = bearer(user), bearer(user), make_api_key(user, "account:read")
        body = {"present_password": PASSWORD, "new_password": NEW}
        assert client.post(f"{AUTH}/change-password", json=body, headers=here).status_code == 204
        assert (is_open(client, here), is_open(client, elsewhere), is_open(client, key)) == (True, False, True)
        assert log_in(client, user.email).status_code == 401
        assert log_in(client, user.email, NEW).status_code == 200
        drain()
        assert [(mail["To"], mail["Subject"]) for mail in mailbox] == [(user.email, "Your password was changed")]

    def test_needs_the_present_password(self, client):
        here = bearer(make_user())
        body = {"present_password": "wrong horse battery", "new_password": NEW}
        answer = client.post(f"{AUTH}/change-password", json=body, headers=here)
        assert (answer.status_code, answer.json["code"]) == (403, "PasswordWrong")
        assert answer.json["errors"][0]["field"] == "present_password"

    def test_refuses_a_weak_one(self, client):
        body = {"present_password": PASSWORD, "new_password": "password1234"}
        answer = client.post(f"{AUTH}/change-password", json=body, headers=bearer(make_user()))
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "new_password")

    def test_locks_nothing_while_the_new_one_is_hashed(self, client, edge, monkeypatch):
        user, hashed = make_user(), password_changes.hash_password

        def lock_at_once() -> None:
            with edge():
                session().scalars(select(User).filter_by(id=user.id).with_for_update(nowait=True)).one()

        def slow(password: str) -> str:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(lock_at_once).result()
            return hashed(password)

        monkeypatch.setattr(password_changes, "hash_password", slow)
        body = {"present_password": PASSWORD, "new_password": NEW}
        assert client.post(f"{AUTH}/change-password", json=body, headers=bearer(user)).status_code == 204


class TestReset:
    def test_sets_the_password_once_and_ends_all_sessions(self, client, drain, mailbox):
        user = make_user(email="anna@chain.example")
        old, key = bearer(user), make_api_key(user, "account:read")
        assert ask(client, "Anna@chain.example").status_code == 202
        drain()
        assert mailbox[-1]["Subject"] == "Новый пароль"
        token = mailbox.token
        assert reset(client, token).status_code == 200
        assert (is_open(client, old), is_open(client, key)) == (False, True)
        assert log_in(client, user.email, NEW).status_code == 200
        again = reset(client, token, "yet another good one")
        assert (again.status_code, again.json["code"]) == (422, "LinkNotValid")
        drain()
        assert mailbox[-1]["Subject"] == "Задан новый пароль"

    def test_ends_api_keys_where_that_is_wanted(self, client, settings):
        user = make_user()
        key = make_api_key(user, "account:read")
        token = reset_token(user, user.email, secret_key=settings.signing_key)
        assert reset(client, token, end_api_keys=True).status_code == 200
        assert not is_open(client, key)

    def test_answers_the_same_with_the_same_work_for_any_email(self, client, drain, mailbox, count_statements):
        make_user(email="known@chain.example")
        answers, works = set(), set()
        for email in ("known@chain.example", "unknown@chain.example"):
            with count_statements() as statements:
                answer = ask(client, email)
            answers.add((answer.status_code, answer.data))
            works.add(tuple(statements))
        assert len(answers) == len(works) == 1
        drain()
        assert [mail["To"] for mail in mailbox] == ["known@chain.example"]

    def test_proves_no_account_that_was_never_confirmed(self, client, settings):
        user = make_user(email_confirmed_at=None)
        assert reset(client, reset_token(user, user.email, secret_key=settings.signing_key)).status_code == 422
        assert log_in(client, user.email).json["code"] == "EmailNotConfirmed"

    def test_expires(self, client, settings):
        user = make_user()
        with time_machine.travel(now().timestamp() - 60 * 61, tick=False):
            token = reset_token(user, user.email, secret_key=settings.signing_key)
        assert reset(client, token).status_code == 422

    @pytest.mark.parametrize("change", [{"email": "new@chain.example"}, {"closed_at": now()}])
    def test_the_link_dies_with_the_address_and_the_account(self, client, edge, settings, change):
        user = make_user()
        token = reset_token(user, user.email, secret_key=settings.signing_key)
        with edge():
            session().query(User).filter_by(id=user.id).update(change)
        assert reset(client, token).status_code == 422

    def test_the_page_asks_and_sets(self, client, drain, mailbox):
        user = make_user(locale="en")
        ask(client, user.email)
        drain()
        token = mailbox.token
        page = client.get(mailbox.path)
        assert (page.status_code, 'type="password"' in page.text, user.email in page.text) == (200, True, True)
        weak = client.post("/reset-password", data={"token": token, "password": "password1234"})
        assert (weak.status_code, "Choose another password" in weak.text) == (422, True)
        done = client.post("/reset-password", data={"token": token, "password": NEW})
        assert (done.status_code, "saved" in done.text) == (200, True)
        assert log_in(client, user.email, NEW).status_code == 200
        assert client.get(f"/reset-password?token={token}").status_code == 400
        assert client.post("/reset-password", data={"token": token, "password": NEW}).status_code == 400


def test_logs_in_with_one_hash_whether_the_account_is_known_or_not(client, hashes):
    make_user(email="known@chain.example")
    for email in ("known@chain.example", "unknown@chain.example"):
        hashes.clear()
        assert log_in(client, email, "wrong horse battery").status_code == 401
        assert hashes == ["verify"]


def test_registers_with_one_hash_whether_the_account_is_known_or_not(client, hashes, form):
    make_user(email="known@chain.example")
    for email in ("known@chain.example", "unknown@chain.example"):
        hashes.clear()
        assert client.post(f"{AUTH}/register", json={**form, "email": email}).status_code == 202
        assert hashes == ["hash"]
