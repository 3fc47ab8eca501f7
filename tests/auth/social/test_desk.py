"""Managers come in at the desk by a provider that they have linked: nobody else, never without their second factor."""

import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pyotp
import pytest
import time_machine
from sqlalchemy import func, select

from shop.admin.access_guard import COOKIE
from shop.auth.models import AccessToken, User
from shop.auth.second_factor import set_up_totp, switch_on
from shop.auth.social.models import SocialAccount
from shop.database import now, session
from tests.admin.conftest import Desk, token_in
from tests.auth.social.conftest import AUTH, CLIENT, Browser, consent, deny
from tests.factories.auth import PASSWORD, bearer, make_user, token_of

LOG_IN = "/admin/social/log-in"


class Visitor(Browser):
    """At the desk's log-in page."""

    def come(self, provider: str, sub: str, **query: str):
        """To the provider and back: the page with the form that sends itself."""
        begun = self.client.get(f"/admin/social/{provider}", query_string=query)
        assert begun.status_code == 303, begun.text
        parts = urlsplit(begun.location)
        away = self.client.get(f"{parts.path}?{parts.query}")
        return self.follow(self.come_back(consent(away.location, sub)))

    def follow(self, answer):
        assert answer.status_code == 303, answer.text
        parts = urlsplit(answer.location)
        return self.client.get(f"{parts.path}?{parts.query}")

    def send(self, page, **fields: str):
        """The form of the page, as the browser sends it."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        action = re.search(r'<form method="post" action="(/admin/(?:social|account)/[\w-]+)"', page.text)
        assert action, page.text
        return self.client.post(action[1], data=hidden | fields)


@pytest.fixture
def visitor(app) -> Visitor:
    return Visitor(app)


@pytest.fixture
def maria(person) -> str:
    return person("501", email="maria@gmail.com", email_verified=True, given_name="Мария", family_name="Орлова")


@pytest.fixture
def manager(edge, maria) -> User:
    """Linked at Google."""
    user = make_user("manager", locale="en")
    with edge() as current:
        current.add(SocialAccount(user_id=user.id, provider="google", provider_user_id=maria, email="maria@gmail.com"))
    return user


def accounts_of(edge, user: User) -> list[str]:
    with edge():
        statement = select(SocialAccount.provider).where(SocialAccount.user_id == user.id)
        return list(session().scalars(statement.order_by(SocialAccount.id)))


def sessions(edge) -> int:
    with edge():
        return session().scalar(select(func.count(AccessToken.id))) or 0


def with_second_factor(app, edge, user: User) -> pyotp.TOTP:
    key = app.extensions["settings"].signing_key
    token_of(user)
    with edge() as current:
        mine = current.merge(user)
        secret, _ = set_up_totp(mine, secret_key=key)
        kept = current.scalar(select(AccessToken).where(AccessToken.user_id == user.id))
        switch_on(mine, otp=pyotp.TOTP(secret).now(), secret_key=key, keep=kept)
    return pyotp.TOTP(secret)


def test_the_log_in_offers_what_is_configured(client) -> None:
    page = client.get("/admin/login?next=/admin/orders/").text
    assert 'href="http://127.0.0.1:8000/admin/social/google?next=/admin/orders/"' in page
    assert page.count("/admin/social/") == 4
    assert client.get("/admin/social/unknown").status_code == 404


def test_a_linked_manager_comes_in_and_goes_where_he_wanted(visitor, manager, maria) -> None:
    page = visitor.come("google", maria, next="/admin/orders/?state=new")
    assert "data-send-itself" in page.text
    entered = visitor.send(page)
    assert (entered.status_code, entered.location) == (303, "/admin/orders/?state=new")
    assert visitor.client.get("/admin/orders/").status_code == 200
    cookie = next(line for line in entered.headers.getlist("Set-Cookie") if line.startswith(COOKIE))
    assert {"HttpOnly", "SameSite=Lax", "Path=/admin"} <= {part.strip() for part in cookie.split(";")}


def test_looking_at_the_address_logs_nobody_in(edge, visitor, manager, maria) -> None:
    visitor.come("google", maria)
    assert sessions(edge) == 0
    assert visitor.client.get("/admin/").status_code == 303


def test_the_second_factor_is_asked_for(app, edge, visitor, manager, maria) -> None:
    totp = with_second_factor(app, edge, manager)
    before = sessions(edge)
    asked = visitor.send(visitor.come("google", maria))
    assert asked.status_code == 200
    assert 'name="otp"' in asked.text
    assert "data-send-itself" not in asked.text
    assert sessions(edge) == before
    wrong = visitor.send(asked, otp="000000")
    assert wrong.status_code == 401
    assert "This code is wrong" in wrong.text or "Код неверен" in wrong.text
    assert sessions(edge) == before
    with time_machine.travel(now() + timedelta(minutes=2)):
        assert visitor.send(wrong, otp=totp.now()).status_code == 303
    assert visitor.client.get("/admin/").status_code == 200


def test_a_code_of_the_app_counts_only_under_the_accounts_own_name(app, edge, visitor, manager, maria) -> None:
    """Otherwise its tries would be counted for somebody else."""
    totp = with_second_factor(app, edge, manager)
    asked = visitor.send(visitor.come("google", maria))
    with time_machine.travel(now() + timedelta(minutes=2)):
        refused = visitor.send(asked, otp=totp.now(), email="other@test.example")
        assert 'name="otp"' in refused.text
    assert visitor.client.get("/admin/").status_code == 303


def test_where_it_is_enforced_it_is_set_up_first(app, visitor, manager, maria, monkeypatch) -> None:
    strict = app.extensions["settings"].model_copy(update={"manager_totp_required": True})
    monkeypatch.setitem(app.extensions, "settings", strict)
    assert visitor.send(visitor.come("google", maria)).status_code == 303
    assert visitor.client.get("/admin/orders/").location == "/admin/second-factor"


def test_an_identity_that_nobody_has_linked_opens_nothing_and_makes_nothing(edge, visitor, person) -> None:
    """Not even with the e-mail of a manager, for which the provider vouches."""
    manager = make_user("manager", email="chief@gmail.com")
    refused = visitor.send(visitor.come("google", person("502", email="chief@gmail.com", email_verified=True)))
    assert refused.status_code == 403
    assert "ни с кем не связана" in refused.text
    assert accounts_of(edge, manager) == []
    with edge():
        assert session().scalar(select(func.count(User.id))) == 1
    assert sessions(edge) == 0


@pytest.mark.parametrize("role", ["buyer", "supplier"])
def test_others_are_refused_though_linked(edge, visitor, maria, role: str) -> None:
    user = make_user(role)
    with edge() as current:
        current.add(SocialAccount(user_id=user.id, provider="google", provider_user_id=maria))
    refused = visitor.send(visitor.come("google", maria))
    assert refused.status_code == 403
    assert "только менеджеры" in refused.text
    assert sessions(edge) == 0


def test_a_blocked_manager_is_refused(edge, visitor, manager, maria) -> None:
    with edge() as current:
        current.merge(manager).blocked_at = now()
    refused = visitor.send(visitor.come("google", maria))
    assert refused.status_code == 403
    assert sessions(edge) == 0


def test_a_code_is_of_no_use_in_another_browser(app, visitor, manager, maria) -> None:
    """Nobody can slip his own code into somebody's browser, and nobody can use a code that he has seen."""
    page = visitor.come("google", maria)
    code = re.search(r'name="code" value="([^"]+)"', page.text)
    assert code
    other = Visitor(app)
    blank = other.client.get(f"{LOG_IN}?code={code[1]}")
    assert "не в этом браузере" in blank.text
    begun = other.client.get("/admin/social/google")
    assert begun.status_code == 303
    refused = other.send(other.client.get(f"{LOG_IN}?code={code[1]}"))
    assert refused.status_code == 422
    assert other.client.get("/admin/").status_code == 303
    assert visitor.send(page).status_code == 303


def test_a_code_works_once_and_not_as_a_token_of_the_api(app, client, visitor, manager, maria) -> None:
    page = visitor.come("google", maria)
    code = re.search(r'name="code" value="([^"]+)"', page.text)
    assert code
    for verifier in (None, "v" * 43):
        body = {"code": code[1]} | ({"code_verifier": verifier} if verifier else {})
        assert client.post(f"{AUTH}/social/token", json=body).status_code == 422
    assert visitor.send(page).status_code == 303
    visitor.client.delete_cookie(COOKIE, path="/admin")
    assert visitor.send(page).status_code in (400, 422)


def test_an_api_code_opens_no_desk(visitor, manager, maria) -> None:
    """It was asked for without the desk's challenge, so it was not begun here."""
    arrival = visitor.log_in("google", maria, next=CLIENT)
    visitor.client.get("/admin/social/google")
    refused = visitor.send(visitor.client.get(f"{LOG_IN}?code={arrival['code']}"))
    assert refused.status_code == 422
    assert visitor.client.get("/admin/").status_code == 303


def test_the_desk_is_no_ending_for_strangers_addresses(client) -> None:
    for address in ("http://127.0.0.1:8000/admin/", "http://evil.example/admin/social/log-in"):
        assert client.get("/login/google", query_string={"next": address}).status_code == 422


def test_a_refusal_of_the_provider_is_said_in_our_words(visitor, manager) -> None:
    begun = visitor.client.get("/admin/social/google")
    parts = urlsplit(begun.location)
    away = visitor.client.get(f"{parts.path}?{parts.query}")
    page = visitor.follow(visitor.come_back(deny(away.location)))
    assert "Вход отменён" in page.text
    spoken = visitor.client.get(f"{LOG_IN}?error=Anything&error_description=Call+us")
    assert "Call us" not in spoken.text
    assert "Anything" not in spoken.text


def test_tries_are_counted_with_those_of_the_password(app, visitor, manager, maria, edge, monkeypatch) -> None:
    with_second_factor(app, edge, manager)
    asked = visitor.send(visitor.come("google", maria))
    few = app.extensions["settings"].model_copy(update={"throttle_login": "2/minute"})
    monkeypatch.setitem(app.extensions, "settings", few)
    page = asked
    statuses = []
    for _ in range(3):
        page = visitor.send(asked if page.status_code == 429 else page, otp="000000")
        statuses.append(page.status_code)
    assert statuses == [401, 401, 429]


class TestLinking:
    """On the manager's own page, by who knows the password."""

    @pytest.fixture
    def desk(self, visitor) -> Desk:
        return Desk(visitor.client, make_user("manager", locale="en"))

    def begin(self, desk: Desk, provider: str = "google", password: str = PASSWORD):
        fields = {"csrf_token": desk.csrf_token(), "provider": provider, "password": password}
        return desk.client.post("/admin/account/link", data=fields)

    def arrive(self, visitor: Visitor, page, sub: str):
        away = re.search(r'href="(http://127.0.0.1:8000/login/[^"]+)"', page.text)
        assert away, page.text
        parts = urlsplit(away[1].replace("&amp;", "&"))
        begun = visitor.client.get(f"{parts.path}?{parts.query}")
        return visitor.follow(visitor.come_back(consent(begun.location, sub)))

    def test_a_manager_links_comes_in_and_unlinks(self, edge, visitor, desk, maria, drain, mailbox) -> None:
        linked = visitor.send(self.arrive(visitor, self.begin(desk), maria))
        assert (linked.status_code, linked.location) == (303, "/admin/account")
        assert "maria@gmail.com" in desk.get("/admin/account").text
        assert accounts_of(edge, desk.user) == ["google"]
        drain()
        assert [mail["To"] for mail in mailbox] == [desk.user.email]
        audit = desk.get("/admin/audit/", what="user.link_provider").text
        assert ("google" in audit, "maria@gmail.com" in audit) == (True, False)
        desk.post("/admin/logout")
        assert visitor.send(visitor.come("google", maria)).status_code == 303
        desk.post("/admin/account/unlink", provider="google")
        assert accounts_of(edge, desk.user) == []

    def test_the_password_is_needed(self, edge, desk) -> None:
        refused = self.begin(desk, password="not the password")
        assert refused.status_code == 403
        assert "This is not your present password." in refused.text
        assert "/login/google?" not in refused.text

    def test_an_unknown_provider_is_not_linked(self, desk) -> None:
        assert self.begin(desk, provider="unknown").status_code == 404

    def test_nobody_links_a_strangers_identity_by_an_address(self, edge, app, visitor, desk, maria) -> None:
        """The attacker's arrival in the victim's browser: its challenge is not of this browser."""
        attacker = Visitor(app)
        attackers = Desk(attacker.client, make_user("manager", locale="en"))
        arrival = self.arrive(attacker, self.begin(attackers), maria)
        code = re.search(r'name="code" value="([^"]+)"', arrival.text)
        assert code
        assert "not begun in this browser" in desk.get("/admin/account/linked", code=code[1]).text
        self.begin(desk)
        refused = visitor.send(desk.get("/admin/account/linked", code=code[1]))
        assert refused.status_code == 422
        assert accounts_of(edge, desk.user) == []

    def test_what_belongs_to_somebody_is_not_linked_again(self, edge, visitor, desk, manager, maria) -> None:
        refused = visitor.send(self.arrive(visitor, self.begin(desk), maria))
        assert refused.status_code == 409
        assert "linked to an account already" in refused.text
        assert accounts_of(edge, desk.user) == []


def test_linking_by_the_api_serves_managers_too(client, manager, visitor) -> None:
    other = make_user("manager")
    answer = client.post(f"{AUTH}/social/github/link", json={"password": PASSWORD}, headers=bearer(other))
    assert answer.status_code == 200
    assert dict(parse_qsl(urlsplit(answer.json["url"]).query)).keys() == {"ticket"}


def test_without_a_provider_there_is_nothing_to_see(make_app) -> None:
    client = make_app().test_client()
    page = client.get("/admin/login")
    assert token_in(page)
    assert "/admin/social/" not in page.text
    assert client.get("/admin/social/google").status_code == 404
