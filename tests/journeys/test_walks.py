"""A cursor of one server process is good in every other, as often as it is asked."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import pytest
from flask import Flask

from tests.factories.auth import token_of
from tests.journeys.product import Product, eventually
from tests.lists.test_walks import in_sql, queries
from tests.lists.walks import WALKS
from tests.lists.world import make_world


@pytest.fixture
def servers(app: Flask, environment: dict[str, str], tmp_path: Path) -> Iterator[list[Product]]:
    """Two web servers of one database."""
    started = []
    try:
        for number in range(2):
            logs = tmp_path / str(number)
            logs.mkdir()
            started.append(Product(environment, logs))
            started[-1].start("web")
        for server in started:
            eventually(server.is_ready, patience=60)
        yield started
    finally:
        for server in started:
            server.stop()


@pytest.mark.parametrize("name", ["search_offers", "list_orders", "list_companies"])
def test_pages_come_from_whichever_process(app: Flask, servers: list[Product], name: str) -> None:
    world, walk, random = make_world(), WALKS[name], Random(f"processes {name}")
    token, turn = token_of(getattr(world, walk.role)), cycle(servers)
    for query in list(queries(walk, world, random))[:12]:
        found, cursor = [], {}
        while True:
            address = f"{walk.path}?{urlencode(query | cursor | {'limit': random.choice((2, 5, 9))}, doseq=True)}"
            pages = [next(turn).expect(200, "GET", address, token=token) for _ in range(3)]
            assert pages[0] == pages[1] == pages[2], address
            found += [item[walk.key] for item in pages[0]["items"]]
            if pages[0]["next_cursor"] is None:
                break
            cursor = {"cursor": pages[0]["next_cursor"]}
        assert found == in_sql(app, walk, query, world), query
