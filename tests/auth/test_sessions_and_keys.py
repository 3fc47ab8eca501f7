"""Sessions and API keys: listed, ended, limited to scopes, idle limits, and what reading a token costs."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from shop.auth.models import AccessToken
from shop.database import now, session
from tests.factories.auth import PASSWORD, bearer, make_api_key, make_user

AUTH = "/api/v1/auth"
KEY = {"name": "Склад", "scopes": ["account:read", "orders:read"]}


def me(client, token) -> int:
    return client.get(f"{AUTH}/me", headers=token).status_code


class TestSessions:
    def test_are_listed_and_ended_one_by_one(self, client):
        user = make_user(email="anna@chain.example")
        client.post(
            f"{AUTH}/login",
            json={"email": user.email, "password": PASSWORD},
            headers={"User-Agent": "Phone\x01"},
        )
        here = bearer(user)
        this, phone = client.get(f"{AUTH}/sessions", headers=here).json["items"]
        assert (this["is_current"], phone["is_current"]) == (True, False)
        assert (phone["opened_from"], phone["user_agent"]) == ("127.0.0.1", "Phone")
        assert client.delete(f"{AUTH}/sessions/{phone['id']}", headers=here).status_code == 204
        assert [item["id"] for item in client.get(f"{AUTH}/sessions", headers=here).json["items"]] == [this["id"]]

    def test_foreign_ones_and_keys_are_unknown(self, client, edge):
        user, stranger = make_user(), make_user()
        bearer(stranger)
        make_api_key(user, "account:read")
        with edge():
            ids = session().scalars(select(AccessToken.id)).all()
        here = bearer(user)
        for token_id in (*ids, 404):
            assert client.delete(f"{AUTH}/sessions/{token_id}", headers=here).status_code == 404

    def test_all_end_at_once(self, client):
        user = make_user()
        here, there, key = bearer(user), bearer(user), make_api_key(user, "account:read")
        assert client.post(f"{AUTH}/logout-all", headers=here).status_code == 204
        assert (me(client, here), me(client, there), me(client, key)) == (401, 401, 200)

    def test_end_when_they_are_not_used(self, client, settings):
        user = make_user()
        session_token, key = bearer(user), make_api_key(user, "account:read")
        later = now() + timedelta(days=settings.session_idle_days, minutes=1)
        with time_machine.travel(later, tick=False):
            assert (me(client, session_token), me(client, key)) == (401, 200)
        with time_machine.travel(now() + timedelta(days=settings.api_key_idle_days * 2), tick=False):
            assert me(client, key) == 401

    def test_live_on_while_they_are_used(self, client, settings):
        token = bearer(make_user())
        for days in range(0, settings.session_idle_days * 2, settings.session_idle_days - 1):
            with time_machine.travel(now() + timedelta(days=days), tick=False):
                assert me(client, token) == 200


class TestUse:
    def test_is_noted_now_and_then_and_costs_nothing_in_between(self, client, edge, count_statements):
        token = bearer(make_user())
        costs = []
        for minutes in (0, 6, 7, 12):
            with (
                time_machine.travel(now() + timedelta(minutes=minutes), tick=False),
                count_statements() as statements,
            ):
                assert me(client, token) == 200
            costs.append(len(statements))
        assert costs == [2, 3, 2, 3]  # the token, its user; and noting it
        with edge():
            noted = session().scalars(select(AccessToken.last_used_at)).one()
            assert timedelta(minutes=11) < noted - now() < timedelta(minutes=13)


class TestApiKeys:
    def test_are_made_shown_once_and_deleted(self, client, drain, mailbox):
        here = bearer(make_user())
        made = client.post(f"{AUTH}/api-keys", json=KEY, headers=here)
        assert made.status_code == 201
        secret = made.json["api_key"]
        assert secret.startswith("shop_k_")
        key = {"Authorization": f"Bearer {secret}"}
        assert me(client, key) == 200
        listed = client.get(f"{AUTH}/api-keys", headers=here)
        assert secret not in listed.text
        [item] = listed.json["items"]
        assert (item["name"], item["scopes"], item["expires_at"]) == (KEY["name"], KEY["scopes"], None)
        drain()
        assert mailbox[-1]["Subject"] == "Создан ключ API"
        assert secret not in mailbox[-1].as_string()
        assert client.delete(f"{AUTH}/api-keys/{item['id']}", headers=here).status_code == 204
        assert me(client, key) == 401

    def test_managers_have_them_too(self, client):
        assert client.post(f"{AUTH}/api-keys", json=KEY, headers=bearer(make_user("manager"))).status_code == 201

    def test_expire_when_that_is_wanted(self, client):
        here = bearer(make_user())
        expires_at = (now() + timedelta(days=1)).isoformat()
        made = client.post(f"{AUTH}/api-keys", json={**KEY, "expires_at": expires_at}, headers=here).json
        key = {"Authorization": f"Bearer {made['api_key']}"}
        assert me(client, key) == 200
        with time_machine.travel(now() + timedelta(days=2), tick=False):
            assert me(client, key) == 401

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"scopes": ["orders:read", "everything"]}, "ScopeUnknown"),
            ({"scopes": []}, "ValidationFailed"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "ExpiryPassed"),
            ({"expires_at": "2030-01-01T00:00:00"}, "ValidationFailed"),
            ({"name": " "}, "ValidationFailed"),
            ({"user_id": 1}, "ValidationFailed"),
        ],
    )
    def test_are_refused_by_field(self, client, change, code):
        answer = client.post(f"{AUTH}/api-keys", json=KEY | change, headers=bearer(make_user()))
        assert (answer.status_code, answer.json["code"]) == (422, code)
        assert answer.json["errors"]

    def test_open_what_their_scopes_say_and_never_more_than_the_role(self, client):
        key = make_api_key(make_user(), "contacts:read", "companies:read")
        assert client.get(f"{AUTH}/contacts", headers=key).status_code == 200
        lacking = client.get(f"{AUTH}/me", headers=key)
        assert (lacking.status_code, lacking.json["facts"]) == (403, {"scope": "account:read"})
        assert client.get(f"{AUTH}/companies", headers=key).status_code == 403

    def test_cannot_make_see_or_end_keys_and_sessions(self, client):
        key = make_api_key(make_user(), "account:read")
        for method, path in (("POST", "api-keys"), ("GET", "api-keys"), ("GET", "sessions"), ("POST", "logout-all")):
            answer = client.open(f"{AUTH}/{path}", method=method, json=KEY, headers=key)
            assert (answer.status_code, answer.json["code"]) == (403, "SessionNeeded")

    def test_foreign_ones_and_sessions_are_unknown(self, client, edge):
        user = make_user()
        here = bearer(user)
        make_api_key(make_user(), "account:read")
        with edge():
            ids = session().scalars(select(AccessToken.id)).all()
        for token_id in (*ids, 404):
            assert client.delete(f"{AUTH}/api-keys/{token_id}", headers=here).status_code == 404

    def test_scopes_are_listed_with_what_they_open(self, client):
        scopes = {item["scope"]: item["operations"] for item in client.get(f"{AUTH}/scopes").json["items"]}
        assert "me" in scopes["account:read"]
        assert {"orders:read", "orders:write", "price-lists:write"} <= scopes.keys()


def test_a_key_lives_no_longer_than_can_be_read_again(client):
    headers = bearer(make_user())
    body = {"name": "ERP", "scopes": ["orders:read"], "expires_at": "9999-12-31T23:59:59-12:00"}
    answer = client.post("/api/v1/auth/api-keys", json=body, headers=headers)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "expires_at")
    assert client.get("/api/v1/auth/api-keys", headers=headers).status_code == 200
