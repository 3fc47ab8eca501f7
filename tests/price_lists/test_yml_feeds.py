"""What is read of an offer of YML."""

import pytest

from shop.price_lists.reading import parse_price_list


def feed(inside: str, attributes: str = "") -> str | None:
    offer = f'<offer id="1" {attributes}><name>x</name><price>5</price>{inside}</offer>'
    [(_, good)] = parse_price_list(f"<yml_catalog><shop><offers>{offer}</offers></shop></yml_catalog>".encode()).goods
    return good.get("quantity")


@pytest.mark.parametrize(
    ("inside", "attributes", "quantity"),
    [
        ('<outlets><outlet id="1" instock="0"/></outlets>', 'available="true"', "0"),
        ('<outlets><outlet instock="2"/><outlet instock="3"/><outlet/></outlets>', "", "5"),
        ('<outlets><outlet instock="много"/><outlet instock="3"/></outlets>', "", "много, 3"),
        ("<outlets><outlet id='1'/></outlets>", 'available="true"', "есть"),
        ("<available>false</available>", "", "под заказ"),
        ("<available>true</available>", 'available="false"', "под заказ"),
        ("<quantity_in_stock>0</quantity_in_stock>", 'available="true"', "0"),
        ("<count>7</count><outlets><outlet instock='1'/></outlets>", "", "7"),
        ("<count>7</count><disabled>true</disabled>", "", "нет"),
        ("", "", None),
    ],
)
def test_stock_in_a_feed(inside: str, attributes: str, quantity: str | None) -> None:
    assert feed(inside, attributes) == quantity
