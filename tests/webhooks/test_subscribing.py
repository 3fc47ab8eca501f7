"""Who may subscribe which address to what; the secret is shown once and kept sealed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from shop.database import now, session
from shop.webhooks.event_types import event_types, event_types_for
from shop.webhooks.models import Webhook
from tests.factories.auth import bearer, make_api_key, make_company, make_user
from tests.factories.webhooks import make_delivery, make_webhook
from tests.webhooks.conftest import change_settings

WEBHOOKS = "/api/v1/webhooks"
BODY = {"url": "https://receiver.example/hook?token=1", "event_types": ["order.placed"]}


def create(client, user, **changes):
    return client.post(WEBHOOKS, json=BODY | changes, headers=bearer(user))


def test_the_secret_is_shown_once_and_lies_nowhere_in_the_clear(client, edge, caplog) -> None:
    user = make_user()
    made = create(client, user)
    assert made.status_code == 201
    assert made.json["secret"].startswith("whsec_")
    assert made.json | {"secret": None} == client.get(made.headers["Location"], headers=bearer(user)).json | {
        "secret": None
    }
    listed = client.get(WEBHOOKS, headers=bearer(user)).text
    with edge():
        rows = [session().execute(text(f"SELECT {table}::text FROM {table}")).all() for table in TABLES]
    assert made.json["secret"] not in listed + str(rows) + caplog.text
    assert made.json["secret"].encode().hex() not in str(rows)


TABLES = ("webhooks", "webhook_secrets", "outbox_events", "idempotency_keys")


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/",
        "https://user:secret@receiver.example/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://127.0.0.1:8443/",
        "ftp://receiver.example/",
        "https://receiver.example/a b",
        "receiver.example",
        "https://receiver.example:99999/",
    ],
)
def test_refuses_an_address_that_is_not_https_on_the_internet(client, url) -> None:
    user = make_user()
    webhook = make_webhook(user)
    answers = (
        create(client, user, url=url),
        client.patch(f"{WEBHOOKS}/{webhook.id}", json={"url": url}, headers=bearer(user)),
    )
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(422, "AddressRefused")] * 2


def test_what_the_operator_has_allowed_may_be_plain_and_inside(app, client, monkeypatch) -> None:
    change_settings(app, monkeypatch, webhook_allowed_hosts="10.0.0.1:8080")
    user = make_user()
    assert create(client, user, url="http://10.0.0.1:8080/").status_code == 201
    assert create(client, user, url="http://10.0.0.1:8081/").json["code"] == "AddressRefused"


def test_a_company_asks_only_for_what_concerns_its_kind(client) -> None:
    refused = create(client, make_user(), event_types=["order.placed", "price_list.applied"])
    assert (refused.status_code, refused.json["code"]) == (422, "EventTypeUnknown")
    assert "price_list.applied" in refused.json["detail"]
    supplier = create(client, make_user("supplier"), event_types=["price_list.applied", "price_list.applied"])
    assert supplier.json["event_types"] == ["price_list.applied"]
    assert create(client, make_user(), event_types=["webhook.test"]).json["code"] == "ValidationFailed"
    assert set(event_types_for("buyer")) | set(event_types_for("supplier")) | {"webhook.test"} == set(event_types())


def test_only_the_owner_or_a_key_of_the_owner_gets_in(client) -> None:
    company = make_company()
    owner, member = make_user(company=company), make_user(company=company)
    webhook, key = make_webhook(owner), make_api_key(owner, "webhooks:write", "webhooks:read")
    delivery = make_delivery(webhook)
    path = f"{WEBHOOKS}/{webhook.id}"
    calls = [
        ("GET", WEBHOOKS, None),
        ("POST", WEBHOOKS, BODY),
        ("GET", path, None),
        ("PATCH", path, {"active": False}),
        ("PATCH", path, {"active": True}),
        ("POST", f"{path}/test", None),
        ("POST", f"{path}/rotate-secret", None),
        ("GET", f"{path}/deliveries", None),
        ("POST", f"{path}/deliveries/{delivery.id}/redeliver", None),
        ("DELETE", path, None),
    ]
    for headers in (bearer(member), make_api_key(member, "webhooks:write", "webhooks:read")):
        refused = [client.open(url, method=verb, json=body, headers=headers) for verb, url, body in calls]
        assert {answer.json["code"] for answer in refused} == {"OwnerOnly"}
    reading = make_api_key(owner, "webhooks:read")
    assert client.delete(path, headers=reading).status_code == 403
    answers = [client.open(url, method=verb, json=body, headers=key).status_code for verb, url, body in calls]
    assert answers == [200, 201, 200, 200, 200, 202, 200, 200, 202, 204]


def test_an_address_once_per_company(client) -> None:
    user = make_user()
    first = create(client, user)
    again = create(client, user)
    assert (again.status_code, again.json["code"]) == (409, "WebhookExists")
    other = make_webhook(user)
    moved = client.patch(f"{WEBHOOKS}/{other.id}", json={"url": BODY["url"]}, headers=bearer(user))
    assert moved.json["code"] == "WebhookExists"
    assert create(client, make_user()).status_code == 201  # another company's address is its own affair
    assert client.delete(first.headers["Location"], headers=bearer(user)).status_code == 204
    assert create(client, user).status_code == 201


def test_two_at_once_do_not_exceed_the_limit(app, edge, monkeypatch) -> None:
    change_settings(app, monkeypatch, max_webhooks_per_company=2)
    headers = bearer(make_user())

    def post(number: int) -> int:
        body = BODY | {"url": f"https://receiver.example/{number}"}
        return app.test_client().post(WEBHOOKS, json=body, headers=headers).status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(post, range(4))) == [201, 201, 409, 409]
    with edge():
        assert len(session().scalars(select(Webhook.id)).all()) == 2


def test_a_pause_and_its_end_are_the_owners(client) -> None:
    user = make_user()
    path = f"{WEBHOOKS}/{make_webhook(user).id}"
    off = client.patch(path, json={"active": False, "description": "Mending"}, headers=bearer(user)).json
    assert (off["active"], off["off_reason"], off["description"]) == (False, "paused", "Mending")
    refused = client.post(f"{path}/test", headers=bearer(user))
    assert (refused.status_code, refused.json["code"]) == (409, "WebhookOff")
    on = client.patch(path, json={"active": True}, headers=bearer(user)).json
    assert (on["active"], on["off_reason"], on["off_at"]) == (True, None, None)


def test_another_address_begins_with_a_clean_record(client) -> None:
    user = make_user()
    webhook = make_webhook(user, failing_since=now())
    path = f"{WEBHOOKS}/{webhook.id}"
    same = client.patch(path, json={"url": webhook.url, "description": "ERP"}, headers=bearer(user)).json
    assert same["failing_since"] is not None
    moved = client.patch(path, json={"url": f"{webhook.url}/new"}, headers=bearer(user)).json
    assert moved["failing_since"] is None


def test_deliveries_come_in_pages_and_by_state(client) -> None:
    user = make_user()
    webhook = make_webhook(user)
    made = [make_delivery(webhook, attempts=2, state=state).id for state in ("delivered", "failed", "delivered")]
    path = f"{WEBHOOKS}/{webhook.id}/deliveries"
    first = client.get(f"{path}?limit=2", headers=bearer(user)).json
    rest = client.get(f"{path}?limit=2&cursor={first['next_cursor']}", headers=bearer(user)).json
    assert [each["id"] for each in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert [attempt["status"] for attempt in first["items"][0]["attempts"]] == [500, 500]
    failed = client.get(f"{path}?state=failed", headers=bearer(user)).json["items"]
    assert [each["id"] for each in failed] == [made[1]]


def test_the_document_describes_every_message(client) -> None:
    document = client.get("/api/schema/").json
    assert set(document["webhooks"]) == set(event_types())
    for item in document["webhooks"].values():
        schema = item["post"]["requestBody"]["content"]["application/json"]["schema"]
        reference = schema["properties"]["data"]["$ref"].rpartition("/")[2]
        assert document["components"]["schemas"][reference]["required"]
