"""Whoever follows next_cursor sees each row once and in order, whatever narrows and orders the list."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from shop.database import session
from tests.factories.auth import bearer, make_company
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order
from tests.factories.webhooks import make_delivery
from tests.lists.walks import WALKS, Query, Walk
from tests.lists.world import World, add_offers, make_world

WALKS_OF_OFFERS, WALKS_OF_OTHERS = 80, 12
MOST_PAGES = 200

Ask = Callable[[str, Query], Any]
Nothing = Callable[[], None]


@pytest.fixture
def world(app: Flask) -> World:
    return make_world()


@pytest.fixture
def headers(world: World) -> dict[str, dict[str, str]]:
    return {role: bearer(getattr(world, role)) for role in ("buyer", "supplier", "manager")}


@pytest.fixture
def ask(client: FlaskClient, headers: dict[str, dict[str, str]], world: World) -> Callable[[Walk], Ask]:
    def asking(walk: Walk) -> Ask:
        def get(path: str, query: Query) -> Any:
            answer = client.get(path.format(**vars(world)), query_string=query, headers=headers[walk.role])
            assert answer.status_code == 200, (path, query, answer.text)
            return answer.json

        return get

    return asking


def walked(walk: Walk, ask: Ask, query: Query, random: Random, *, between: Nothing = lambda: None) -> list[Any]:
    """The keys of all items, page by page of any size; each page asked for once or several times."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        wanted = query | cursor | {"limit": random.choice((1, 2, 3, 7, 40, 500))}
        for _ in range(random.choice((1, 1, 3))):
            page = ask(walk.path, wanted)
        found += [item[walk.key] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}
        between()
    raise AssertionError((query, "does not end"))


def in_sql(app: Flask, walk: Walk, query: Query, world: World) -> list[Any]:
    values = vars(world) | {
        "supplier_id": world.suppliers[0],
        "buyer_company_id": world.buyer.company_id,
        "buyer_id": world.buyer.id,
        "color": query.get("param.Цвет"),
    }
    with app.app_context():
        return list(session().scalars(text(walk.sql(query)), values | query))


def queries(walk: Walk, world: World, random: Random) -> Iterator[Query]:
    """With words and no sort offers come by relevance: no plain statement says how."""
    yield {}
    for _ in range(WALKS_OF_OFFERS if walk is WALKS["search_offers"] else WALKS_OF_OTHERS):
        query = walk.query(random, world)
        yield query | {"sort": "newest"} if "q" in query and "sort" not in query else query


def operations(client: FlaskClient) -> dict[str, str]:
    """operationId and path of each list that has pages."""
    return {
        item["get"]["operationId"]: path
        for path, item in client.get("/api/schema/").json["paths"].items()
        if any(each.get("name") == "cursor" for each in item.get("get", {}).get("parameters", []))
    }


def test_every_list_with_pages_has_its_walk(client: FlaskClient) -> None:
    assert operations(client) == {name: walk.path for name, walk in WALKS.items()}


@pytest.mark.parametrize("name", WALKS)
def test_a_list_is_what_one_statement_says(app: Flask, ask: Callable[[Walk], Ask], world: World, name: str) -> None:
    walk, random = WALKS[name], Random(name)
    found = 0
    for query in queries(walk, world, random):
        expected = in_sql(app, walk, query, world)
        assert walked(walk, ask(walk), query, random) == expected, query
        found += len(expected)
    assert found > 20


@pytest.mark.parametrize("q", ["чай", "мыло", "A-1", "чай 1", "мылоо"])
def test_by_relevance_the_pages_are_those_of_one_long_page(ask: Callable[[Walk], Ask], world: World, q: str) -> None:
    walk, random = WALKS["search_offers"], Random(q)
    for number in range(12):
        query = {"q": q} | (walk.query(random, world) if number else {})
        query |= {"q": q}
        query.pop("sort", None)
        whole = ask(walk)(walk.path, query | {"limit": 500})
        assert walked(walk, ask(walk), query, random) == [item["id"] for item in whole["items"]], query
        assert number or whole["items"]


@pytest.mark.parametrize("name", WALKS)
def test_what_does_not_change_comes_once_though_others_write(
    app: Flask, ask: Callable[[Walk], Ask], world: World, edge: Callable[[], Any], name: str
) -> None:
    """Some come, some go, some get another price while somebody walks."""
    walk, random = WALKS[name], Random(f"beside {name}")
    turns = iter(range(10**6))

    def write() -> None:
        add_offers(world, 3, prefix=f"{next(turns)}-{random.random()}-")
        make_company("supplier")
        make_delivery(world.webhook)
        if next(turns) % 5 == 0:
            make_order({make_offer().id: 1}, buyer=world.buyer)
        with edge() as current:
            current.execute(text("UPDATE offers SET is_listed = NOT is_listed WHERE id % 6 = 1"))
            current.execute(text("UPDATE offers SET price = price + 1 WHERE id % 6 = 2"))

    for query in list(queries(walk, world, random))[:7]:
        before = in_sql(app, walk, query, world)
        found = walked(walk, ask(walk), query, random, between=write)
        stays = set(before) & set(in_sql(app, walk, query, world)) - changed(app, walk)
        assert [key for key in found if key in stays] == [key for key in before if key in stays], query


def changed(app: Flask, walk: Walk) -> set[Any]:
    if walk is not WALKS["search_offers"]:
        return set()
    with app.app_context():
        return set(session().scalars(text("SELECT id FROM offers WHERE id % 6 IN (1, 2)")))


def test_changes_come_to_an_end_and_leave_none_out(app: Flask, ask: Callable[[Walk], Ask], world: World) -> None:
    walk, random = WALKS["search_offers"], Random("changes")
    names = ("supplier", "category", "price_min", "orderable", "param.Цвет", "q")
    for _ in range(25):
        query = {name: value for name, value in walk.query(random, world).items() if name in names}
        query["changed_since"] = "2020-01-01T00:00:00Z"
        found, gone, cursor = list[int](), list[int](), dict[str, str]()
        for _ in range(MOST_PAGES):
            page = ask(walk)(walk.path, query | cursor | {"limit": random.choice((1, 5, 40))})
            found, gone = [*found, *(item["id"] for item in page["items"])], [*gone, *page["gone"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        conditions = " AND ".join(["true", *(walk.conditions[name] for name in query if name in names)])
        sql = text(f"SELECT o.id, c.status FROM {walk.table} WHERE {conditions}")
        with app.app_context():
            rows = session().execute(sql, query | {"color": query.get("param.Цвет")}).all()
        assert set(found) == {id_ for id_, status in rows if status == "active"}, query
        assert set(gone) <= {id_ for id_, status in rows if status == "blocked"}, query
