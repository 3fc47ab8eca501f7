"""What the table of states says is what the routes do."""

import pytest
from flask import Flask

from shop.auth.models import BUYER, MANAGER, SUPPLIER
from shop.orders.models import Order
from shop.orders.parts.lifecycle import move_part
from shop.orders.states import ASSEMBLED, CANCELED, CONFIRMED, DELIVERED, NEW, PART_STATES, REFUSED, SENT, STATES
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order

# By which of the routes a part gets there.
VERBS = {
    NEW: (),
    CONFIRMED: ("confirm",),
    ASSEMBLED: ("assemble",),
    SENT: ("send",),
    DELIVERED: ("deliver", "receive"),
    REFUSED: ("refuse",),
    CANCELED: ("cancel",),
}
WAY = {
    NEW: (),
    CONFIRMED: (CONFIRMED,),
    ASSEMBLED: (CONFIRMED, ASSEMBLED),
    SENT: (CONFIRMED, SENT),
    DELIVERED: (CONFIRMED, SENT, DELIVERED),
    REFUSED: (CONFIRMED, SENT, REFUSED),
    CANCELED: (CANCELED,),
}


@pytest.fixture
def people(app: Flask):
    return {
        BUYER: make_user(),
        SUPPLIER: make_user(SUPPLIER, company=make_company(SUPPLIER)),
        MANAGER: make_user(MANAGER),
    }


def order_in(edge, people, state: str) -> Order:
    order = make_order({make_offer(supplier=people[SUPPLIER].company).id: 2}, buyer=people[BUYER])
    for to in WAY[state]:
        with edge() as current:
            by = current.merge(people[MANAGER])
            move_part(order.parts[0].id, to=to, by=by)
    return order


@pytest.mark.parametrize("role", [BUYER, SUPPLIER, MANAGER])
@pytest.mark.parametrize("state", STATES)
def test_moves_names_exactly_what_the_routes_take(client, edge, people, role: str, state: str) -> None:
    headers = bearer(people[role])
    path, taken = "", []
    for to in STATES:
        for verb in VERBS[to]:
            if not path:
                path = f"/api/v1/supplier-orders/{order_in(edge, people, state).parts[0].id}"
            named = client.get(path, headers=headers).json["moves"]
            answer = client.post(f"{path}/{verb}", headers=headers)
            assert answer.status_code in (200, 403, 409), answer.text
            if answer.status_code == 200:
                assert answer.json["state"] == to
                taken.append(to)
                path = ""
    assert list(dict.fromkeys(taken)) == [to for to in STATES if to in named]


def test_every_state_can_be_reached_and_left_for_states_that_there_are() -> None:
    assert {to for state in PART_STATES.values() for to in state.to} == set(STATES) - {NEW}
    assert set(VERBS) == set(WAY) == set(STATES)
