"""Registering, confirming, logging in and out, as stories."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from sqlalchemy import func, select

from shop.auth import accounts
from shop.auth.email_addresses import EmailInvalid, clean_email
from shop.auth.mailed_tokens import LinkNotValid, Signed, sign_link
from shop.auth.models import ACTIVE, BLOCKED, PENDING, AccessToken, Company, User
from shop.auth.passwords import PasswordTooWeak, needs_rehash, verify_password
from shop.auth.tokens import find_caller
from shop.database import now, session
from shop.outbox.models import OutboxEvent
from tests.factories.auth import PASSWORD, make_company, make_user

KEY = "a key that is only for these tests"
HOURS = timedelta(hours=72)


def _events() -> list[tuple[str, int | None]]:
    rows = session().scalars(select(OutboxEvent).order_by(OutboxEvent.id))
    return [(row.type, row.payload["user_id"]) for row in rows]


def _count(model) -> int:
    return session().scalar(select(func.count()).select_from(model))


def _token(user: User) -> str:
    return accounts.confirmation_token(user, user.email, secret_key=KEY)


def _confirm(token: str, *, lifetime: timedelta = HOURS) -> User:
    return accounts.confirm_email(token, secret_key=KEY, lifetime=lifetime)


def _log_in(email: str, password: str = PASSWORD):
    return accounts.log_in(email, password=password, lifetime=timedelta(days=30), secret_key=KEY)


class TestRegister:
    def test_makes_an_unconfirmed_buyer_of_an_active_company(self, edge, form):
        with edge():
            accounts.register(**form)
            user = session().scalars(select(User)).one()
            assert (user.email, user.role, user.locale) == ("anna@chain.example", "buyer", "ru")
            assert user.email_confirmed_at is None
            assert (user.company.name, user.company.kind, user.company.status) == ("Рябинка", "buyer", ACTIVE)
            assert PASSWORD not in user.password_hash
            assert _events() == [("user.registered", user.id)]

    def test_makes_a_supplier_wait_for_a_manager(self, edge, form):
        with edge():
            accounts.register(**{**form, "role": "supplier"})
            assert session().scalars(select(Company)).one().status == PENDING

    @pytest.mark.parametrize("email", ["anna@chain.example", "  ANNA@Chain.Example "])
    def test_makes_nothing_for_a_known_email_and_tells_its_owner(self, edge, form, email):
        owner = make_user(email="Anna@chain.example")
        with edge():
            accounts.register(**{**form, "email": email})
        with edge():
            assert (_count(User), _count(Company)) == (1, 1)
            assert _events() == [("user.registration_repeated", owner.id)]

    def test_takes_the_email_of_a_closed_account(self, edge, form):
        make_user(email=form["email"], closed_at=now())
        with edge():
            accounts.register(**form)
            assert _count(User) == 2

    def test_two_at_once_make_one_account(self, edge, form, wait_for_lock):
        def register() -> None:
            with edge():
                accounts.register(**{**form, "email": form["email"].upper()})

        rival = threading.Thread(target=register)
        with edge():
            accounts.register(**form)
            rival.start()
            wait_for_lock()
        rival.join(10)
        with edge():
            user = session().scalars(select(User)).one()
            assert user.email == form["email"].upper()
            assert _count(Company) == 1
            assert _events() == [("user.registered", user.id)] * 2

    @pytest.mark.parametrize("email", ["", "anna", "anna@", "a b@c.de", '"a"@chain.example', "a@b.ru\nBcc: x@y.ru"])
    def test_refuses_what_is_no_email(self, edge, form, email):
        with edge(), pytest.raises(EmailInvalid):
            accounts.register(**{**form, "email": email})

    def test_refuses_an_email_longer_than_any(self):
        with pytest.raises(EmailInvalid):
            clean_email("a" * 60 + "@" + "b" * 60 + ".c" * 80 + ".example")

    def test_refuses_a_weak_password_whether_the_email_is_known_or_not(self, edge, form):
        make_user(email="known@chain.example")
        for email in ("known@chain.example", "unknown@chain.example"):
            with edge(), pytest.raises(PasswordTooWeak):
                accounts.register(**{**form, "email": email, "password": "password1234"})


class TestCreateManager:
    def test_makes_a_confirmed_manager_without_a_company(self, edge):
        with edge():
            user = accounts.create_manager("boss@shop.example", password=PASSWORD, first_name="И", last_name="П")
            assert user.is_manager
            assert user.may_log_in
            assert user.company_id is None

    def test_yields_to_no_registration_that_was_never_confirmed(self, edge, form):
        with edge():
            accounts.register(**{**form, "email": "Boss@shop.example"})
        with edge():
            session().scalars(select(User)).one().blocked_at = now()
        with edge():
            user = accounts.create_manager("boss@shop.example", password=PASSWORD, first_name="И", last_name="П")
            assert (user.is_manager, user.may_log_in, user.company_id, user.is_owner) == (True, True, None, False)
            assert verify_password(user.password_hash, PASSWORD)
        with edge():
            assert session().scalars(select(Company)).all() == []

    def test_refuses_a_taken_email(self, edge):
        make_user(email="boss@shop.example")
        with edge(), pytest.raises(accounts.EmailTaken):
            accounts.create_manager("Boss@shop.example", password=PASSWORD, first_name="И", last_name="П")


class TestConfirmEmail:
    def test_confirms_once(self, edge):
        user = make_user(email_confirmed_at=None)
        with edge():
            assert _confirm(_token(user)).email_confirmed_at is not None
        with edge(), pytest.raises(LinkNotValid):
            _confirm(_token(user))

    def test_expires(self, edge):
        user = make_user(email_confirmed_at=None)
        with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False):
            token = _token(user)
        late, in_time = datetime(2026, 3, 4, 12, 0, 1, tzinfo=UTC), datetime(2026, 3, 4, 11, 59, tzinfo=UTC)
        with time_machine.travel(late, tick=False), edge(), pytest.raises(LinkNotValid):
            _confirm(token)
        with time_machine.travel(in_time, tick=False), edge():
            _confirm(token)

    def test_refuses_what_was_tampered_with(self, edge):
        user = make_user(email_confirmed_at=None)
        token = _token(user)
        payload, rest = token.split(".", 1)
        other_key = accounts.confirmation_token(user, user.email, secret_key="another key")
        other_purpose = sign_link("reset-password", Signed(user.id, user.email), secret_key=KEY)
        for bad in ("", "x", "\x00", token[:-1], token + "x", f"{payload}A.{rest}", other_key, other_purpose):
            with edge(), pytest.raises(LinkNotValid):
                _confirm(bad)

    def test_refuses_a_link_to_an_address_the_user_has_left(self, edge):
        user = make_user(email_confirmed_at=None)
        with edge():
            session().get_one(User, user.id).email = "new@chain.example"
        with edge(), pytest.raises(LinkNotValid):
            _confirm(_token(user))

    def test_refuses_for_a_closed_or_vanished_account(self, edge):
        closed = make_user(email_confirmed_at=None, closed_at=now())
        vanished = User(id=404, email="nobody@chain.example", created_at=now())
        for token in (_token(closed), _token(vanished)):
            with edge(), pytest.raises(LinkNotValid):
                _confirm(token)


class TestResendConfirmation:
    def test_asks_for_a_mail_only_where_one_is_needed(self, edge):
        make_user(email="done@chain.example")
        waiting = make_user(email="waiting@chain.example", email_confirmed_at=None)
        with edge():
            for email in ("done@chain.example", "nobody@chain.example", " Waiting@chain.example"):
                accounts.resend_confirmation(email)
            requested = "user.confirmation_requested"
            assert _events() == [(requested, None), (requested, None), (requested, waiting.id)]


class TestLogIn:
    def test_gives_a_token_that_opens_and_ends(self, edge):
        user = make_user(email="anna@chain.example")
        with edge():
            token, secret = _log_in(" ANNA@chain.example")
            assert timedelta(days=29) < token.expires_at - now() < timedelta(days=31)
        with edge():
            assert find_caller(secret).user_id == user.id
            accounts.log_out(token)
        with edge():
            assert find_caller(secret) is None

    def test_refuses_unknown_and_wrong_alike(self, edge):
        make_user(email="anna@chain.example")
        make_user(email="social@chain.example")
        with edge():
            session().query(User).filter_by(email="social@chain.example").update({"password_hash": None})
        said = set()
        for email, password in (
            ("anna@chain.example", "wrong horse battery"),
            ("nobody@chain.example", PASSWORD),
            ("social@chain.example", PASSWORD),
            ("no address", ""),
        ):
            with edge(), pytest.raises(accounts.LoginFailed) as refusal:
                _log_in(email, password)
            said.add((refusal.value.detail, tuple(refusal.value.facts)))
        assert len(said) == 1

    def test_tells_only_who_knows_the_password_that_the_email_is_unconfirmed(self, edge):
        make_user(email="anna@chain.example", email_confirmed_at=None)
        with edge(), pytest.raises(accounts.EmailNotConfirmed):
            _log_in("anna@chain.example")
        with edge(), pytest.raises(accounts.LoginFailed):
            _log_in("anna@chain.example", "wrong horse battery")

    def test_refuses_the_blocked(self, edge):
        make_user(email="anna@chain.example", blocked_at=now())
        make_user(email="igor@chain.example", company=make_company(status=BLOCKED))
        for email in ("anna@chain.example", "igor@chain.example"):
            with edge(), pytest.raises(accounts.AccountBlocked):
                _log_in(email)
            with edge(), pytest.raises(accounts.LoginFailed):
                _log_in(email, "wrong horse battery")
        with edge():
            assert _count(AccessToken) == 0

    def test_lets_a_pending_supplier_in(self, edge):
        make_user("supplier", email="s@maker.example", company=make_company("supplier", status=PENDING))
        with edge():
            assert _log_in("s@maker.example")

    def test_renews_a_hash_with_old_parameters(self, edge):
        user = make_user(email="anna@chain.example")
        old = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
        with edge():
            session().get_one(User, user.id).password_hash = old
        with edge():
            _log_in("anna@chain.example")
        with edge():
            assert not needs_rehash(session().get_one(User, user.id).password_hash)
            assert _log_in("anna@chain.example")


def test_a_password_changed_while_the_old_one_is_checked_opens_nothing(edge, monkeypatch):
    user = make_user()
    checked = accounts.verify_password

    def slow(password_hash, password):
        """Meanwhile the owner resets the password."""
        right = checked(password_hash, password)
        with edge() as current:
            current.get(User, user.id).password_hash = "$argon2id$another"
        return right

    monkeypatch.setattr(accounts, "verify_password", lambda *given: in_a_thread(slow, *given))
    with pytest.raises(accounts.LoginFailed), edge():
        accounts.log_in(user.email, password=PASSWORD, lifetime=timedelta(hours=1), secret_key="x" * 32)


def in_a_thread(work, *given):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *given).result()
