"""What leaves: signed, over HTTPS, never into our own network; and what the log says of how it ended."""

import re
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from tests.http.servers import make_certificate, serving
from tests.webhooks.conftest import (
    Case,
    Receiver,
    attempt,
    change_settings,
    endless,
    make_handler,
    not_http,
    redirecting,
    silent,
)

GUIDE = Path(__file__).parents[2] / "docs" / "webhooks.md"


def test_a_message_is_signed_and_says_what_happened(case, allowed, drain) -> None:
    assert case.post("test").status_code == 202
    drain()
    content = allowed.verified(case.secret)
    assert content["type"] == "webhook.test"
    assert content["data"] == {"webhook_id": case.id}
    assert list(content) == ["type", "timestamp", "data"]
    [delivery] = case.log()
    assert delivery["state"] == "delivered"
    assert allowed.headers[0]["webhook-id"] == delivery["message_id"]
    [one] = delivery["attempts"]
    assert (one["status"], one["error"]) == (204, None)
    with pytest.raises(WebhookVerificationError):
        allowed.verified("whsec_" + "AAAA" * 8)


def test_the_receiver_of_the_guide_takes_what_is_signed_and_nothing_else(case, allowed, drain) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    [code] = [block for block in blocks if "Webhook(" in block]
    heard = []
    guide = {"__name__": "guide", "remember": lambda message_id, message: heard.append((message_id, message["type"]))}
    exec(code.replace("whsec_…", case.secret), guide)
    case.post("test")
    drain()
    receiver = guide["app"].test_client()
    sent = {"data": allowed.bodies[0], "headers": allowed.headers[0]}
    assert receiver.post("/hooks/shop", **sent).status_code == 204
    assert receiver.post("/hooks/shop", **sent | {"data": b"{}"}).status_code == 400
    assert heard == [(allowed.headers[0]["webhook-id"], "webhook.test")]


def test_a_message_goes_over_https_to_who_has_a_valid_certificate(
    app, client, drain, tmp_path: Path, monkeypatch
) -> None:
    receiver = Receiver()
    with serving(make_handler(receiver), make_certificate(tmp_path)) as receiver.host:
        change_settings(app, monkeypatch, webhook_allowed_hosts=receiver.host, webhook_timeout_seconds=30.0)
        case = Case(client, f"https://{receiver.host}/hook")
        case.post("test")
        drain()
        assert receiver.bodies == []
        assert {each["error"] for each in case.log()[0]["attempts"]} == {"tls"}
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        case.post("test")
        drain()
        assert receiver.verified(case.secret)["type"] == "webhook.test"


@pytest.mark.parametrize(
    ("answer", "error"), [(silent, "timeout"), (redirecting, "redirect"), (not_http, "not_http"), (404, "refused")]
)
def test_the_log_says_how_an_attempt_ended_and_no_more(app, case, allowed, edge, monkeypatch, answer, error) -> None:
    allowed.answers = [answer]
    if answer is silent:
        change_settings(app, monkeypatch, webhook_timeout_seconds=1.0)
    case.post("test")
    attempt(app, edge)
    [delivery] = case.log()
    [one] = delivery["attempts"]
    assert set(one) == {"started_at", "duration_ms", "status", "error"}
    assert one["error"] == error
    assert len(allowed.bodies) == 1  # a redirect is not followed
    assert case.shown()["failing_since"] == one["started_at"]


def test_an_endless_answer_is_not_read(app, case, allowed, edge) -> None:
    allowed.answers = [endless]
    case.post("test")
    attempt(app, edge)
    assert case.log()[0]["state"] == "delivered"
    assert case.log()[0]["attempts"][0]["duration_ms"] < 30_000  # not until the time was up


@pytest.mark.parametrize("url", ["https://localhost:{port}/", "https://unknown.invalid/", "http://127.0.0.1:{port}/"])
def test_our_own_network_looks_like_a_host_that_nobody_knows(app, client, receiver, edge, monkeypatch, url) -> None:
    """Also where the host was allowed once and is not any more."""
    change_settings(app, monkeypatch, webhook_allowed_hosts=f"127.0.0.1:{receiver.host.partition(':')[2]}")
    case = Case(client, url.format(port=receiver.host.partition(":")[2]))
    change_settings(app, monkeypatch, webhook_allowed_hosts="", webhook_timeout_seconds=30.0)
    case.post("test")
    attempt(app, edge)
    [one] = case.log()[0]["attempts"]
    assert (one["status"], one["error"]) == (None, "unreachable")
    assert receiver.bodies == []
