"""Who gets in at the admin's door, with what, for how long."""

from datetime import timedelta

import pyotp
import pytest
import time_machine
from sqlalchemy import func, select, update

from shop.admin.access_guard import COOKIE, local_address
from shop.auth.models import AccessToken, User
from shop.auth.second_factor import set_up_totp, switch_on
from shop.database import now, session
from tests.admin.conftest import Desk, token_in
from tests.conftest import make_settings
from tests.factories.auth import PASSWORD, make_api_key, make_user


def log_in(client, email: str, *, password: str = PASSWORD, **fields: str):
    token = token_in(client.get("/admin/login"))
    return client.post("/admin/login", data={"csrf_token": token, "email": email, "password": password, **fields})


def sessions_of(edge, user: User) -> int:
    with edge():
        return session().scalar(select(func.count(AccessToken.id)).where(AccessToken.user_id == user.id))


def test_the_password_of_a_manager_opens_it(client) -> None:
    manager = make_user("manager")
    answer = log_in(client, manager.email, next="/admin/orders/?state=new")
    assert (answer.status_code, answer.location) == (303, "/admin/orders/?state=new")
    assert client.get("/admin/").status_code == 200


def test_the_cookie_is_for_this_site_and_for_no_script(client) -> None:
    answer = log_in(client, make_user("manager").email)
    [cookie] = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith(f"{COOKIE}=shop_s_")]
    attributes = {part.strip() for part in cookie.split(";")[1:]}
    assert {"HttpOnly", "SameSite=Lax", "Path=/admin"} <= attributes
    assert any(part.startswith("Expires=") for part in attributes)
    assert "Secure" not in attributes


def test_in_production_the_cookie_needs_tls(make_app) -> None:
    app = make_app(app_env="production")
    client = app.test_client()
    token = token_in(client.get("/admin/login", base_url="https://localhost"))
    fields = {"csrf_token": token, "email": make_user("manager").email, "password": PASSWORD}
    answer = client.post("/admin/login", data=fields, base_url="https://localhost")
    assert any(line.startswith(COOKIE) and "Secure" in line for line in answer.headers.getlist("Set-Cookie"))


def test_anonymous_people_are_led_to_the_log_in_and_back(client) -> None:
    answer = client.get("/admin/orders/?state=new&page=2")
    assert (answer.status_code, answer.location) == (303, "/admin/login?next=/admin/orders/?state%3Dnew%26page%3D2")
    assert 'value="/admin/orders/?state=new&amp;page=2"' in client.get(answer.location).text


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "https://evil.example",
        "//evil.example/admin/",
        "/\\evil.example",
        "/administration",
        "/admin/\r\nSet-Cookie: a=b",
        "/login/google",
        "javascript:alert(1)",
    ],
)
def test_the_log_in_leads_nowhere_else(address: str | None) -> None:
    assert local_address(address) == "/admin/"


@pytest.mark.parametrize("role", ["buyer", "supplier"])
def test_others_are_refused_with_a_sentence_and_get_no_session(client, edge, role: str) -> None:
    user = make_user(role)
    answer = log_in(client, user.email)
    assert answer.status_code == 403
    assert "Здесь работают только менеджеры" in answer.text
    assert sessions_of(edge, user) == 0


@pytest.mark.parametrize("role", ["buyer", "supplier"])
def test_the_session_of_others_opens_nothing(enter, role: str) -> None:
    desk = enter(make_user(role, locale="en"))
    answer = desk.get("/admin/orders/")
    assert answer.status_code == 403
    assert "Only managers work here." in answer.text


def test_an_api_key_opens_nothing(client) -> None:
    secret = make_api_key(make_user("manager"), "orders:read")["Authorization"].removeprefix("Bearer ")
    client.set_cookie(COOKIE, secret, path="/admin")
    assert client.get("/admin/").location == "/admin/login"


def test_a_bearer_token_opens_nothing(client) -> None:
    from tests.factories.auth import bearer

    assert client.get("/admin/", headers=bearer(make_user("manager"))).location == "/admin/login"


def test_a_wrong_password_says_no_more_than_an_unknown_address(client) -> None:
    manager = make_user("manager")
    wrong = log_in(client, manager.email, password="not the password")
    unknown = log_in(client, "nobody@test.example", password="not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert "Неверный адрес или пароль." in wrong.text
    assert "Неверный адрес или пароль." in unknown.text


def test_tries_are_counted_together_with_those_of_the_api(make_app) -> None:
    app = make_app(throttle_login="2/minute")
    client = app.test_client()
    manager = make_user("manager")
    for _ in range(2):
        client.post("/api/v1/auth/login", json={"email": manager.email, "password": "not the password"})
    answer = log_in(client, manager.email)
    assert answer.status_code == 429
    assert "Слишком много попыток" in answer.text
    assert int(answer.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_tries_are_counted_together_however_the_address_is_written(make_app, kind: str) -> None:
    """Else every spelling that finds the same account would have a count of its own."""

    def guess(client, email: str, number: int, kind: str) -> int:
        data = {"csrf_token": token_in(client.get("/admin/login")), "email": email, "password": "not the password"}
        place = {"REMOTE_ADDR": f"10.0.4.{number}"}
        return client.post("/admin/login", data=data, content_type=kind, environ_base=place).status_code

    app = make_app(throttle_login="99/minute", throttle_login_account="4/hour")
    given = make_user("manager", email=f"ivan{len(kind)}@test.example").email
    spellings = (given.upper(), given.replace("v", "v\u200b"), " " * 600 + given, given.replace("i", "İ", 1))
    for number, spelling in enumerate(spellings):
        assert guess(app.test_client(), spelling, number, kind) == 401, spelling
    assert guess(app.test_client(), given, 9, "application/x-www-form-urlencoded") == 429


def test_guesses_at_no_account_let_nobody_out(make_app) -> None:
    """Who comes by a provider names no account at first; a count of all who name none would be a stranger's to fill."""
    app = make_app(throttle_login="99/minute", throttle_login_account="2/hour")
    for number in range(3):
        client = app.test_client()
        data = {"csrf_token": token_in(client.get("/admin/login")), "email": "\u200b", "password": "x"}
        tried = client.post("/admin/login", data=data, environ_base={"REMOTE_ADDR": f"10.0.5.{number}"})
        assert tried.status_code == 401
    client = app.test_client()
    data = {"csrf_token": token_in(client.get("/admin/login")), "code": "x"}
    assert client.post("/admin/social/log-in", data=data).status_code == 422


def test_the_second_factor_is_asked_for_where_the_account_has_one(client, edge) -> None:
    manager = make_user("manager")
    secret = with_second_factor(edge, manager)
    without = log_in(client, manager.email)
    assert without.status_code == 401
    assert "второй фактор" in without.text
    with time_machine.travel(now() + timedelta(minutes=2)):
        assert log_in(client, manager.email, otp=pyotp.TOTP(secret).now()).status_code == 303


def with_second_factor(edge, manager: User) -> str:
    key = make_settings("postgresql+psycopg://x", "redis://").signing_key
    with edge() as current:
        user = current.merge(manager)
        secret, _ = set_up_totp(user, secret_key=key)
        kept = current.scalar(select(AccessToken).where(AccessToken.user_id == user.id))
        switch_on(user, otp=pyotp.TOTP(secret).now(), secret_key=key, keep=kept)
    return secret


def test_where_the_setting_enforces_it_it_is_set_up_first(make_app) -> None:
    strict = make_app(manager_totp_required=True)
    desk = Desk(strict.test_client(), make_user("manager", locale="en"))
    assert desk.get("/admin/orders/").location == "/admin/second-factor"
    page = desk.client.get("/admin/second-factor")
    asked = {"csrf_token": token_in(page), "password": "not the password"}
    assert desk.client.post("/admin/second-factor/secret", data=asked).status_code == 403
    shown = desk.client.post("/admin/second-factor/secret", data=asked | {"password": PASSWORD})
    secret = shown.text.split('class="secret">')[1].split("<")[0]
    data = {"csrf_token": token_in(shown), "secret": secret, "otp": "000000"}
    assert desk.client.post("/admin/second-factor", data=data).status_code == 422
    done = desk.client.post("/admin/second-factor", data=data | {"otp": pyotp.TOTP(secret).now()})
    assert done.text.count("<li><code>") == 10
    assert desk.get("/admin/orders/").status_code == 200


def test_logging_out_ends_the_session(desk, edge) -> None:
    assert desk.post("/admin/logout").request.path == "/admin/login"
    assert sessions_of(edge, desk.user) == 0
    assert desk.get("/admin/").location == "/admin/login"


def test_a_session_ended_elsewhere_is_over_with_the_next_request(desk, edge) -> None:
    assert desk.get("/admin/").status_code == 200
    with edge() as current:
        current.execute(update(AccessToken).values(expires_at=now() - timedelta(seconds=1)))
    assert desk.get("/admin/").location == "/admin/login"


def test_a_session_unused_for_too_long_is_over(desk, edge) -> None:
    with edge() as current:
        current.execute(update(AccessToken).values(created_at=now() - timedelta(days=15), last_used_at=None))
    assert desk.get("/admin/").location == "/admin/login"


def test_a_blocked_manager_is_out_with_the_next_request(desk, edge) -> None:
    with edge() as current:
        current.execute(update(User).values(blocked_at=now()))
    assert desk.get("/admin/").location == "/admin/login"


def test_who_calls_is_known_by_one_statement(desk, count_statements) -> None:
    desk.get("/admin/")
    with count_statements() as statements:
        assert desk.get("/admin/login").status_code == 303
    assert len(statements) == 1


def test_the_language_is_the_persons_and_can_be_changed(desk) -> None:
    assert 'lang="en"' in desk.get("/admin/").text
    page = desk.post("/admin/language", locale="ru", next="/admin/orders/?state=new")
    assert 'lang="ru"' in page.text
    assert page.request.full_path == "/admin/orders/?state=new"


def test_an_unknown_address_is_a_page(desk) -> None:
    answer = desk.get("/admin/nowhere")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "There is nothing here" in answer.text


def test_the_throttle_of_the_api_does_not_count_here(make_app) -> None:
    app = make_app(throttle_user="1/day", throttle_anon="1/day")
    desk = Desk(app.test_client(), make_user("manager"))
    assert [desk.get("/admin/orders/").status_code for _ in range(3)] == [200] * 3
