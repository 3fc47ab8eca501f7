"""What a query says is read for whoever asked it."""

import sys
from concurrent.futures import ThreadPoolExecutor

from marshmallow import RAISE
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict

from shop.catalog.schemas import OfferFilterSchema


def test_whoever_asks_at_the_same_time_gets_his_own_parameters() -> None:
    schema = OfferFilterSchema()

    def load(number: int) -> bool:
        query = MultiDictProxy(MultiDict({"param.Цвет": str(number)}), schema)
        return schema.load(query, unknown=RAISE) == {"parameters": {"Цвет": (str(number),)}}

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(load, range(2000)))
    finally:
        sys.setswitchinterval(interval)
