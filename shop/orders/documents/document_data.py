"""What a document remembers: the shape of its frozen data."""

from typing import Literal, NotRequired, TypedDict

from shop.money import NO_VAT


class Bank(TypedDict):
    name: str | None
    bik: str | None
    account: str | None
    correspondent_account: str | None


class Party(TypedDict):
    full_name: str
    short_name: str | None
    inn: str
    kpp: str | None
    ogrn: str | None
    address: str | None
    bank: Bank | None


class Consignee(TypedDict):
    name: str
    address: str | None
    phone: str | None


class Line(TypedDict):
    """`price` is the agreed one, for the record; paper shows `net_price`. `vat_rate` is a percentage or "none"."""

    position: int
    sku: str
    barcode: str | None
    name: str
    unit: str
    okei: str | None
    packs: str | None
    quantity: str
    price: str
    net_price: str
    net: str
    vat_rate: str
    vat: str
    total: str


class Delivery(TypedDict):
    name: str
    net: str
    vat_rate: str
    vat: str
    total: str


class VatByRate(TypedDict):
    rate: str
    net: str
    vat: str
    total: str


class Totals(TypedDict):
    """With delivery in every sum; `lines` counts goods alone. In a correction all is as it became."""

    quantity: str | None
    net: str
    vat: str
    total: str
    vat_by_rate: list[VatByRate]
    lines: int


def is_taxed(totals: Totals) -> bool:
    """Free of VAT and taxed at 0 % are different things: only the second has a sum, if of nothing."""
    return any(row["rate"] != NO_VAT for row in totals["vat_by_rate"])


class Corrected(TypedDict):
    number: str
    issued_on: str


class Amounts(TypedDict):
    quantity: str
    net: str
    vat: str
    total: str


class Change(TypedDict):
    """One corrected line, under the position that it has in the invoice."""

    position: int
    sku: str
    name: str
    unit: str
    vat_rate: str
    was: Amounts
    became: Amounts
    difference: Amounts


class Annulled(TypedDict):
    on: str
    reason: str | None


class InvoiceData(TypedDict):
    """What an invoice remembers, as its JSONB column holds it: money as decimal strings, days as ISO strings."""

    kind: Literal["invoice", "correction"]
    number: str
    issued_on: str
    time_zone: str
    order_number: str
    client_reference: str | None
    contract: str | None
    shipment_on: str | None
    currency: str
    seller: Party
    payer: Party
    consignee: Consignee
    lines: list[Line]
    delivery: Delivery | None
    totals: Totals
    corrects: NotRequired[Corrected]
    changes: NotRequired[list[Change]]
    annulled: NotRequired[Annulled | None]
