"""Whoever turns the pages of a list of the desk sees each row once and in order, whatever narrows and orders it."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from flask import Flask

from shop.admin import VIEWS
from shop.admin.access_guard import COOKIE
from shop.admin.base import ManagedView
from shop.admin.filters import Filter
from shop.database import session
from tests.factories.auth import token_of
from tests.lists.world import World, make_world

LISTS = [view for view in VIEWS if issubclass(view, ManagedView)]
TEXTS = ("1", "а", "Чай", "test.example", "order", "'%_")
DAYS = ("2020-01-01", "2120-01-01")

Narrowed = tuple[str | None, bool, str | None, list[tuple[str, str]]]


@pytest.fixture
def world(app: Flask) -> World:
    return make_world()


def view_of(app: Flask, kind: type[ManagedView]) -> ManagedView:
    [view] = [view for view in app.extensions["admin"][0]._views if type(view) is kind]
    assert isinstance(view, ManagedView)
    return view


def value_for(filter_: Filter, random: Random) -> str:
    if filter_.kind == "choice":
        return random.choice([value for value, _ in filter_.choices()])
    return {"flag": "1", "date": random.choice(DAYS)}.get(filter_.kind) or random.choice(TEXTS)


def wishes(view: ManagedView, random: Random) -> Iterator[Narrowed]:
    """Each sort in both directions, each filter; then any of them together."""
    yield None, False, None, []
    for column in view.sorts:
        yield from ((column, down, None, []) for down in (False, True))
    for filter_ in view.filters:
        yield None, False, None, [(filter_.key, value_for(filter_, random))]
    for _ in range(12):
        chosen = [filter_ for filter_ in view.filters if random.random() < 0.3]
        given = [(filter_.key, value_for(filter_, random)) for filter_ in chosen]
        search = random.choice(TEXTS) if view.searched and random.random() < 0.3 else None
        yield random.choice([None, *view.sorts]), random.random() < 0.5, search, given


@pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.slug)
def test_pages_are_what_one_statement_says(app: Flask, world: World, kind: type[ManagedView]) -> None:
    view, random = view_of(app, kind), Random(kind.slug)
    client = app.test_client()
    client.set_cookie(COOKIE, token_of(world.manager), path="/admin")
    for number, (column, down, search, given) in enumerate(wishes(view, random)):
        with app.test_request_context(f"/admin/{kind.slug}/"):
            whole = session().execute(view.ordered(view.narrowed(search, given), column, down)).all()
            expected = [view.get_pk_value(row) for row in whole]
            found: list[Any] = []
            size = random.choice((1, 3, 7, 50)) if len(expected) < 40 else random.choice((7, 20, 50))
            for page in range(len(expected) + 2):
                count, rows = view.get_list(page, column, down, search, given, page_size=size)
                found += [view.get_pk_value(row) for row in rows]
                assert count == len(expected) or not rows, (column, search, given, page)
                if (page + 1) * size >= count:
                    break
        assert found == expected, (column, down, search, given)
        assert len(set(found)) == len(found)
        assert number or len(found) > 2, "nothing to walk over: let make_world() make some"
        arguments: dict[str, Any] = {"page_size": 20, "search": search or "", **dict(given)}
        if column:
            arguments |= {"sort": list(view.column_list).index(column), "desc": int(down)}
        assert client.get(f"/admin/{kind.slug}/", query_string=arguments).status_code == 200, arguments
