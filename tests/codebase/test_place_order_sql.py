"""benchmarks/place_order.sql, which the speed of placing is measured against, is what the route sends."""

import re
from pathlib import Path

from flask.testing import FlaskClient

from tests.factories.auth import bearer, make_company, make_contact, make_user
from tests.factories.catalog import make_offer

SCRIPT = Path(__file__).parents[2] / "benchmarks/place_order.sql"
NO_SQL = re.compile(r"^(--|\\set ).*$", re.MULTILINE)
END = re.compile(r";$|\\gset \w+$", re.MULTILINE)
PARAMETER = re.compile(r"%\(\w+\)s")
CLAUSE = re.compile(r"\b(SELECT|FROM|JOIN|WHERE|SET|INSERT|RETURNING)\b")


def one_line(sql: str) -> str:
    return " ".join(sql.split())


def statements_of_script() -> list[str]:
    found = [one_line(part) for part in END.split(NO_SQL.sub("", SCRIPT.read_text()))]
    return [statement for statement in found if statement not in ("", "BEGIN", "COMMIT")]


def values_in(script: str, sent: str) -> list[str]:
    """What stands in the script where the route sends parameters; fails where anything else differs."""
    first, *others = PARAMETER.split(one_line(sent))
    assert script.startswith(first)
    position, values = len(first), []
    for part in others:
        end = script.find(part, position) if part else len(script)
        assert end > position, f"{part!r} is not in {script[position:]!r}"
        values.append(script[position:end])
        position = end + len(part)
    assert position == len(script), f"the script has more: {script[position:]!r}"
    return values


def test_the_script_sends_what_the_route_sends(client: FlaskClient, count_statements) -> None:
    buyer, supplier = make_user(), make_company("supplier")
    lines = [{"offer_id": make_offer(supplier=supplier).id, "quantity": 1} for _ in range(3)]
    headers = bearer(buyer) | {"Idempotency-Key": "compared"}
    body = {"contact_id": make_contact(buyer).id, "lines": lines}
    client.post("/api/v1/orders", json=body | {"lines": lines[:1]}, headers=bearer(buyer))  # the token's use is noted
    with count_statements() as sent:
        assert client.post("/api/v1/orders", json=body, headers=headers).status_code == 201
    script = statements_of_script()
    assert len(script) == len(sent)
    for ours, its in zip(script, sent, strict=True):
        assert not [value for value in values_in(ours, its) if CLAUSE.search(value)]
