"""Linking a provider to an account by its owner, and unlinking it."""

import threading
from urllib.parse import urlsplit

import pytest
import time_machine
from sqlalchemy import func, select

from shop.auth.models import API_KEY, User
from shop.auth.social import identities
from shop.auth.social.models import SocialAccount
from shop.auth.tokens import issue_token
from shop.database import session, transaction
from tests.auth.social.conftest import AUTH, Browser, arrived, consent
from tests.factories.auth import PASSWORD, bearer, make_user


@pytest.fixture
def link(client, browser):
    """From the owner's wish to the answer; `finisher` may be somebody else."""

    def run(user: User, provider: str, sub: str, *, finisher: User | None = None):
        arrival = _arrive(client, browser, user, provider, sub)
        assert arrival["purpose"] == "link"
        return _finish(client, finisher or user, arrival["code"])

    return run


def _ticket_url(client, user: User, provider: str) -> str:
    answer = client.post(f"{AUTH}/social/{provider}/link", json={"password": PASSWORD}, headers=bearer(user))
    assert answer.status_code == 200, answer.json
    parts = urlsplit(answer.json["url"])
    return f"{parts.path}?{parts.query}"


def _arrive(client, browser: Browser, user: User, provider: str, sub: str) -> dict[str, str]:
    begun = browser.client.get(_ticket_url(client, user, provider))
    assert begun.status_code == 302, begun.text
    return arrived(browser.come_back(consent(begun.location, sub)))


def _finish(client, user: User, code: str):
    return client.post(f"{AUTH}/social/link", json={"code": code}, headers=bearer(user))


def test_an_owner_links_logs_in_and_unlinks(client, browser, anna, link, exchange, drain, mailbox):
    user = make_user(email="anna@chain.example", locale="en")
    linked = link(user, "google", anna)
    assert linked.status_code == 200
    assert (linked.json["provider"], linked.json["email"]) == ("google", "anna@gmail.com")
    listed = client.get(f"{AUTH}/social/accounts", headers=bearer(user)).json
    assert listed == {"items": [linked.json], "next_cursor": None}

    token = exchange(browser.log_in("google", anna)["code"])
    assert token.status_code == 200
    headers = {"Authorization": f"Bearer {token.json['access_token']}"}
    assert client.get(f"{AUTH}/me", headers=headers).json["id"] == user.id
    assert client.delete(f"{AUTH}/social/google", headers=headers).status_code == 204
    assert client.delete(f"{AUTH}/social/google", headers=headers).json["code"] == "SocialAccountNotFound"
    # Unlinked, the identity is a stranger again.
    assert exchange(browser.log_in("google", anna)["code"]).json["code"] == "RegistrationNeeded"
    drain()
    assert [(mail["To"], mail["Subject"]) for mail in mailbox] == [
        ("anna@chain.example", "Google opens your account"),
        ("anna@chain.example", "Google does not open your account any more"),
    ]


class TestAttacks:
    def test_an_open_session_alone_links_nothing(self, client):
        """Else who found one would link an identity of his own, and come back by it for good."""
        answer = client.post(f"{AUTH}/social/google/link", json={}, headers=bearer(make_user()))
        assert (answer.status_code, answer.json["code"]) == (403, "PasswordWrong")

    def test_a_victims_browser_led_through_ones_own_ticket_links_nothing(self, client, browser, anna, link, edge):
        """Else the victim's identity would open the attacker's account: the attacker reads what the victim does."""
        attacker, victim = make_user(), make_user()
        answer = link(attacker, "google", anna, finisher=victim)
        assert (answer.status_code, answer.json["code"]) == (422, "SocialCodeNotValid")
        with edge():
            assert session().scalar(select(func.count()).select_from(SocialAccount)) == 0

    def test_an_attackers_code_in_a_victims_client_links_nothing(self, client, browser, anna):
        """Else the attacker's identity would open the victim's account. A code without a ticket links nothing."""
        code = browser.log_in("google", anna)["code"]
        assert _finish(client, make_user(), code).json["code"] == "SocialCodeNotValid"

    def test_a_code_for_linking_logs_nobody_in(self, client, browser, anna, exchange):
        arrival = _arrive(client, browser, make_user(), "google", anna)
        assert exchange(arrival["code"]).json["code"] == "SocialCodeNotValid"

    def test_a_ticket_works_once_for_its_provider_and_for_five_minutes(self, client, app):
        user = make_user()
        with time_machine.travel("2026-11-25T10:00:00Z", tick=False) as clock:
            url = _ticket_url(client, user, "google")
            assert Browser(app).client.get(url).status_code == 302
            assert arrived(Browser(app).client.get(url))["error"] == "SocialCodeNotValid"
            other = _ticket_url(client, user, "google").replace("/google", "/github")
            assert arrived(Browser(app).client.get(other))["error"] == "SocialCodeNotValid"
            late = _ticket_url(client, user, "google")
            clock.shift(301)
            assert arrived(Browser(app).client.get(late))["error"] == "SocialCodeNotValid"
        assert arrived(Browser(app).client.get("/login/google?ticket=invented"))["error"] == "SocialCodeNotValid"

    def test_somebody_elses_linked_identity_stays_theirs(self, browser, anna, link, exchange, client):
        owner, attacker = make_user(), make_user()
        assert link(owner, "google", anna).status_code == 200
        answer = link(attacker, "google", anna)
        assert (answer.status_code, answer.json["code"]) == (409, "IdentityTaken")
        token = exchange(browser.log_in("google", anna)["code"]).json["access_token"]
        assert client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"}).json["id"] == owner.id

    def test_a_second_identity_of_the_same_provider_is_refused(self, anna, link, person):
        user = make_user()
        assert link(user, "google", anna).status_code == 200
        answer = link(user, "google", person("1002", email="a2@gmail.com", email_verified=True))
        assert (answer.status_code, answer.json["code"]) == (409, "ProviderTaken")

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "social/google/link", None),
            ("POST", "social/link", {"code": "x"}),
            ("DELETE", "social/google", None),
        ],
    )
    def test_needs_the_token_of_a_log_in(self, client, app, method, path, body):
        assert client.open(f"{AUTH}/{path}", method=method, json=body).status_code == 401
        user = make_user()
        with app.app_context(), transaction():
            _, key = issue_token(user, kind=API_KEY, expires_at=None, name="key", scopes=("account:read",))
        answer = client.open(f"{AUTH}/{path}", method=method, json=body, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, answer.json["code"]) == (403, "SessionNeeded")


class TestUnlinking:
    def test_the_last_way_in_stays(self, client, anna, register):
        token = register("google", anna).json["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.delete(f"{AUTH}/social/google", headers=headers)
        assert (answer.status_code, answer.json["code"]) == (409, "LastWayIn")

    def test_a_provider_that_is_not_offered_any_more_is_no_way_in(self, edge):
        user = make_user()
        with edge():
            session().get_one(User, user.id).password_hash = None
            for provider in ("google", "github"):
                session().add(SocialAccount(user_id=user.id, provider=provider, provider_user_id="1"))
        with edge(), pytest.raises(identities.LastWayIn):
            identities.unlink(user, "google", offered=frozenset({"google"}))
        with edge():
            identities.unlink(user, "google", offered=frozenset({"google", "github"}))

    def test_two_unlinkings_at_once_leave_one_way_in(self, app, edge, wait_for_lock):
        user = make_user()
        with edge():
            session().get_one(User, user.id).password_hash = None
            for provider in ("google", "github"):
                session().add(SocialAccount(user_id=user.id, provider=provider, provider_user_id="1"))
        offered = frozenset({"google", "github"})
        refused: list[Exception] = []

        def rival() -> None:
            try:
                with app.app_context(), transaction():
                    identities.unlink(user, "github", offered=offered)
            except identities.LastWayIn as refusal:
                refused.append(refusal)

        thread = threading.Thread(target=rival)
        with edge():
            identities.unlink(user, "google", offered=offered)
            session().flush()
            thread.start()
            wait_for_lock()
        thread.join(10)
        assert len(refused) == 1
        with edge():
            assert session().scalars(select(SocialAccount.provider)).all() == ["github"]
