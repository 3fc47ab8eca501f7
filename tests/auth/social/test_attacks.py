"""What somebody with bad intent would try on the way from the provider to an account: all of it is refused."""

import threading
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import time_machine
from sqlalchemy import func, select

from shop.auth.models import AccessToken, User
from shop.auth.social.browser_flow import FLOW_SECONDS
from shop.auth.social.models import SocialAccount, SocialCode
from shop.database import session
from tests.auth.social.conftest import AUTH, FORM, Browser, arrived, consent
from tests.factories.auth import make_user


def _changed(callback: str, **changes: str | None) -> str:
    parts = urlsplit(callback)
    query = {name: value for name, value in (dict(parse_qsl(parts.query)) | changes).items() if value is not None}
    return parts._replace(query=urlencode(query)).geturl()


def _count(edge, model) -> int:
    with edge():
        return session().scalar(select(func.count()).select_from(model))


class TestState:
    @pytest.mark.parametrize("state", [None, "", "x" * 30, "ы"])
    def test_a_missing_or_wrong_state_is_refused_without_a_loop(self, browser, anna, edge, state):
        callback = consent(browser.start("google"), anna)
        assert arrived(browser.come_back(_changed(callback, state=state)))["error"] == "LogInNotBegun"
        assert _count(edge, SocialCode) == 0
        # The log-in is over: the right state is of no use after the attempt with the wrong one.
        assert arrived(browser.come_back(callback))["error"] == "LogInNotBegun"

    def test_a_callback_in_a_browser_that_began_nothing_is_refused(self, browser, app, anna):
        callback = consent(browser.start("google"), anna)
        assert arrived(Browser(app).come_back(callback))["error"] == "LogInNotBegun"

    def test_swapped_callbacks_of_two_browsers_are_both_refused(self, app, anna, person):
        mine, yours = Browser(app), Browser(app)
        my_callback = consent(mine.start("google"), anna)
        your_callback = consent(yours.start("google"), person("2002", email="boris@gmail.com", email_verified=True))
        assert arrived(mine.come_back(your_callback))["error"] == "LogInNotBegun"
        assert arrived(yours.come_back(my_callback))["error"] == "LogInNotBegun"

    def test_a_code_of_another_browser_with_ones_own_state_is_refused(self, app, anna, person):
        """PKCE: the provider's code is bound to the browser that began."""
        mine, yours = Browser(app), Browser(app)
        my_callback = consent(mine.start("google"), anna)
        your_callback = consent(yours.start("google"), person("2002", email="boris@gmail.com", email_verified=True))
        stolen = dict(parse_qsl(urlsplit(my_callback).query))["code"]
        assert arrived(yours.come_back(_changed(your_callback, code=stolen)))["error"] == "ProviderFailed"

    def test_an_answer_of_one_provider_is_not_taken_for_anothers(self, browser, anna):
        callback = consent(browser.start("google"), anna)
        browser.start("oidc")
        assert arrived(browser.come_back(callback.replace("/google/", "/oidc/")))["error"] == "LogInNotBegun"

    def test_a_replayed_callback_is_refused(self, browser, anna):
        callback = consent(browser.start("google"), anna)
        assert arrived(browser.come_back(callback))["code"]
        assert arrived(browser.come_back(callback))["error"] == "LogInNotBegun"

    def test_a_replay_with_the_old_cookie_is_refused_even_where_the_provider_takes_the_code(
        self, browser, anna, app, monkeypatch
    ):
        address = browser.start("google")
        cookie = browser.client.get_cookie("session").value
        assert arrived(browser.come_back(consent(address, anna)))["code"]
        browser.client.set_cookie("session", cookie)
        assert arrived(browser.come_back(consent(address, anna)))["error"] == "AnswerRepeated"

    def test_an_answer_that_comes_too_late_is_refused(self, browser, anna):
        with time_machine.travel("2026-11-25T10:00:00Z", tick=False) as clock:
            callback = consent(browser.start("google"), anna)
            clock.shift(FLOW_SECONDS + 1)
            assert arrived(browser.come_back(callback))["error"] == "LogInNotBegun"

    def test_a_forged_cookie_begins_nothing(self, browser, anna):
        callback = consent(browser.start("google"), anna)
        head, _, tail = browser.client.get_cookie("session").value.partition(".")
        browser.client.set_cookie("session", f"{head}x.{tail}")
        assert arrived(browser.come_back(callback))["error"] == "LogInNotBegun"

    def test_a_cookie_planted_before_opens_nothing_afterwards(self, app, anna, register, exchange):
        """Session fixation: the log-in ends in a code for the client and never in the cookie."""
        register("google", anna)
        attacker, victim = Browser(app), Browser(app)
        address = attacker.start("google")
        planted = attacker.client.get_cookie("session").value
        victim.client.set_cookie("session", planted)
        assert arrived(victim.come_back(consent(address, anna)))["code"]
        for browser in (attacker, victim):
            assert browser.client.get(f"{AUTH}/me").status_code == 401

    def test_an_error_without_our_state_is_not_believed(self, browser):
        browser.start("google")
        assert arrived(browser.come_back("/login/google/authorized?error=access_denied"))["error"] == "LogInNotBegun"

    def test_threads_do_not_mix_people_up(self, app, browser, anna, person, exchange, monkeypatch):
        """Flask-Dance keeps state and token on the blueprint, shared by all threads; ours are the request's own."""
        boris = person("2002", email="boris@gmail.com", email_verified=True)
        blueprint = app.blueprints["google"]
        read, arrivals = blueprint.provider.read, []

        def read_while_another_logs_in(ask, addresses):
            monkeypatch.setattr(blueprint, "provider", replace(blueprint.provider, read=read))
            rival = threading.Thread(target=lambda: arrivals.append(Browser(app).log_in("google", boris)))
            rival.start()
            rival.join(20)
            return read(ask, addresses)

        monkeypatch.setattr(blueprint, "provider", replace(blueprint.provider, read=read_while_another_logs_in))
        arrivals.append(browser.log_in("google", anna))
        facts = [exchange(arrival["code"]).json["facts"]["email"] for arrival in arrivals]
        assert facts == ["boris@gmail.com", "anna@gmail.com"]


class TestReturnAddress:
    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/",
            "//evil.example",
            "https://client.example/return",
            "https://client.example/return?app=1&x=2",
            "https://client.example/return?app=1@evil.example",
            "https://client.example.evil.example/return?app=1",
            "javascript:alert(1)",
            "/",
        ],
    )
    def test_only_configured_addresses_letter_by_letter(self, browser, address):
        answer = browser.client.get("/login/google", query_string={"next": address})
        assert answer.status_code == 422
        assert "Location" not in answer.headers
        assert "evil" not in answer.text
        assert browser.client.get_cookie("session") is None

    def test_a_challenge_of_another_shape_is_refused(self, browser):
        assert browser.client.get("/login/google?code_challenge=short").status_code == 422


class TestEmail:
    def test_an_unverified_email_of_a_local_account_opens_nothing(
        self, client, person, register, edge, drain, mailbox, browser, exchange
    ):
        owner = make_user(email="owner@shop.example")
        person("666", email="Owner@shop.example", email_verified=False)
        answer = register("oidc", "666")
        assert (answer.status_code, "access_token" in answer.json) == (202, False)
        assert _count(edge, SocialAccount) == 0
        assert _count(edge, AccessToken) == 0
        assert _count(edge, User) == 1
        drain()
        assert [(mail["To"], mail["Subject"]) for mail in mailbox] == [(owner.email, "У вас уже есть учётная запись")]
        assert exchange(browser.log_in("oidc", "666")["code"]).json["code"] == "RegistrationNeeded"

    def test_the_answer_is_the_same_for_an_email_without_an_account(self, person, register, provider_address):
        make_user(email="owner@shop.example")
        known = register("oidc", person("666", email="owner@shop.example"))
        unknown = register("oidc", person("667", email="nobody@shop.example"))
        assert (known.status_code, known.data) == (unknown.status_code, unknown.data)

    def test_a_verified_email_of_a_local_account_neither_logs_in_nor_links(self, browser, anna, exchange, edge):
        make_user(email="ANNA@gmail.com")
        answer = exchange(browser.log_in("google", anna)["code"])
        assert (answer.status_code, answer.json["code"]) == (409, "AccountExists")
        assert _count(edge, SocialAccount) == _count(edge, AccessToken) == 0

    def test_two_providers_with_the_same_email_are_two_strangers(self, browser, anna, register, exchange, edge):
        assert register("google", anna).status_code == 201
        answer = exchange(browser.log_in("oidc", anna)["code"])
        assert answer.json["code"] == "AccountExists"
        assert _count(edge, SocialAccount) == 1

    def test_an_account_made_meanwhile_is_not_taken_over(self, client, browser, anna, exchange, edge):
        needed = exchange(browser.log_in("google", anna)["code"]).json["facts"]
        make_user(email="anna@gmail.com")
        answer = client.post(f"{AUTH}/social/register", json={"code": needed["registration_code"], **FORM})
        assert (answer.status_code, answer.json["code"]) == (409, "AccountExists")
        assert _count(edge, SocialAccount) == 0

    def test_without_an_email_one_must_be_given_and_confirmed(self, client, browser, person, exchange, drain, mailbox):
        person("31")
        needed = exchange(browser.log_in("oidc", "31")["code"]).json["facts"]
        assert (needed["email"], needed["email_verified"]) == (None, False)
        body = {"code": needed["registration_code"], **FORM}
        without = client.post(f"{AUTH}/social/register", json=body)
        assert (without.status_code, without.json["code"]) == (422, "EmailNeeded")
        assert without.json["errors"][0]["field"] == "email"
        accepted = client.post(f"{AUTH}/social/register", json={**body, "email": "new@chain.example"})
        assert accepted.status_code == 202
        early = exchange(browser.log_in("oidc", "31")["code"])
        assert (early.status_code, early.json["code"]) == (403, "EmailNotConfirmed")
        drain()
        assert {mail["To"] for mail in mailbox} == {"new@chain.example"}
        mailbox.sort(key=lambda mail: "token=" in mail.as_string())
        assert client.post(f"{AUTH}/confirm-email", json={"token": mailbox.token}).status_code == 200
        assert exchange(browser.log_in("oidc", "31")["code"]).status_code == 200

    def test_another_email_than_the_vouched_one_must_be_confirmed(self, anna, register, edge):
        assert register("google", anna, email="ceo@chain.example").status_code == 202
        with edge():
            assert session().scalars(select(User.email_confirmed_at)).one() is None

    @pytest.mark.parametrize("extra", [{"email_confirmed_at": "2026-01-01"}, {"company_id": "1"}, {"role": "manager"}])
    def test_registering_takes_no_more_than_it_asks_for(self, anna, register, extra):
        assert register("google", anna, **extra).status_code == 422


class TestCode:
    def test_works_once(self, browser, anna, register, exchange):
        register("google", anna)
        code = browser.log_in("google", anna)["code"]
        assert exchange(code).status_code == 200
        again = exchange(code)
        assert (again.status_code, again.json["code"]) == (422, "SocialCodeNotValid")

    def test_works_for_a_minute(self, browser, anna, exchange):
        with time_machine.travel("2026-11-25T10:00:00Z", tick=False) as clock:
            code = browser.log_in("google", anna)["code"]
            clock.shift(61)
            assert exchange(code).json["code"] == "SocialCodeNotValid"

    def test_a_registration_code_is_no_log_in_and_works_once(self, client, browser, anna, exchange):
        needed = exchange(browser.log_in("google", anna)["code"]).json["facts"]
        assert exchange(needed["registration_code"]).json["code"] == "SocialCodeNotValid"
        body = {"code": needed["registration_code"], **FORM}
        assert client.post(f"{AUTH}/social/register", json=body).status_code == 201
        assert client.post(f"{AUTH}/social/register", json=body).json["code"] == "SocialCodeNotValid"

    def test_two_registrations_of_one_identity_make_one_account(self, client, browser, anna, exchange):
        codes = [exchange(browser.log_in("google", anna)["code"]).json["facts"]["registration_code"] for _ in "ab"]
        bodies = [{"code": code, **FORM, "email": f"{n}@chain.example"} for n, code in enumerate(codes)]
        answers = [client.post(f"{AUTH}/social/register", json=body) for body in bodies]
        assert [answer.status_code for answer in answers] == [202, 409]
        assert answers[1].json["code"] == "IdentityTaken"

    @pytest.mark.parametrize("code", ["nonsense", "ы", "x" * 100])
    def test_an_invented_one_is_refused(self, exchange, code):
        assert exchange(code).status_code == 422

    def test_a_verifier_for_a_code_that_began_without_a_challenge_is_refused(self, browser, anna, exchange):
        """Else a stranger's code could be slipped into a client that relies on its own challenge."""
        code = browser.log_in("google", anna)["code"]
        assert exchange(code, code_verifier="v" * 43).json["code"] == "SocialCodeNotValid"


class TestBlocked:
    @pytest.fixture
    def user_id(self, client, register, anna) -> int:
        token = register("google", anna).json["access_token"]
        return client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"}).json["id"]

    @pytest.mark.parametrize("what", ["user", "company"])
    def test_a_blocked_user_or_company_does_not_log_in(self, user_id, what, browser, anna, exchange, edge):
        with edge():
            user = session().get_one(User, user_id)
            if what == "user":
                user.blocked_at = func.now()
            else:
                user.company.status = "blocked"
        answer = exchange(browser.log_in("google", anna)["code"])
        assert (answer.status_code, answer.json["code"]) == (403, "AccountBlocked")

    def test_a_closed_account_gives_its_identity_free(self, user_id, anna, register, edge):
        with edge():
            user = session().get_one(User, user_id)
            user.closed_at = func.now()
        assert register("google", anna).status_code == 201

    def test_managers_get_no_token(self, user_id, browser, anna, exchange, edge):
        with edge():
            session().get_one(User, user_id).role = "manager"
        assert exchange(browser.log_in("google", anna)["code"]).json["code"] == "NotForManagers"


def test_callbacks_are_limited_per_address(app, browser):
    kept = app.extensions["settings"]
    app.extensions["settings"] = kept.model_copy(update={"throttle_login": "2/minute"})
    try:
        statuses = [browser.client.get("/login/google/authorized").status_code for _ in range(3)]
    finally:
        app.extensions["settings"] = kept
    assert statuses == [303, 303, 429]


def test_a_supplier_who_comes_by_a_provider_waits_for_approval_too(client, anna, register):
    token = register("google", anna, role="supplier").json["access_token"]
    me = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"}).json
    assert me["company"]["status"] == "pending"
