"""YML (Yandex Market Language): read element by element, without entities, document types or the network."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from lxml import etree

from shop.catalog.price_lists.formats.columns import Layout, parameter_of
from shop.catalog.price_lists.formats.parsed import Limits, ParsedPriceList, UnreadablePriceList

VAT_RATES = {"NO_VAT": "none", "VAT_0": "0", "VAT_5": "5", "VAT_7": "7", "VAT_10": "10", "VAT_22": "22"}
PLAIN = {
    "price": "price",
    "currencyId": "currency",
    "categoryId": "category",
    "model": "model",
    "vendorCode": "sku",
    "min-quantity": "minimum_quantity",
    "step-quantity": "quantity_step",
}
PARAMETERS = {"vendor": "Производитель", "country_of_origin": "Страна", "weight": "Вес (кг)"}
STOCK = ("count", "stock_quantity", "quantity")
KEPT = ("offer", "category", "name", "company")
CHUNK = 2**16
HARMLESS: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False}


def read_yml(file: BinaryIO, _layout: Layout, _limits: Limits) -> ParsedPriceList:
    expected = _count_offers(file)
    elements = _elements(file)
    shop, categories, first = "", [], None
    for element in elements:
        parent = element.getparent()
        if element.tag == "offer":
            first = element
            break
        if element.tag == "category":
            categories.append({"id": element.get("id"), "name": _text(element)})
        elif parent is not None and parent.tag == "shop" and element.tag == "name":
            shop = _text(element)
    goods = enumerate(_goods(chain([first] if first is not None else [], elements)), start=1)
    return ParsedPriceList("yml", shop, categories, goods, rows_expected=expected)


def _count_offers(file: BinaryIO) -> int:
    """A guess for the progress: it does not matter that a chunk's border may cut one in two."""
    file.seek(0)
    found = 0
    while chunk := file.read(CHUNK):
        found += chunk.count(b"<offer ")
    file.seek(0)
    return found


def _elements(file: BinaryIO) -> Iterator[Any]:
    """Each of KEPT when it is complete; afterwards it and what came before it are forgotten."""
    try:
        _check_root(file)
        file.seek(0)
        for _, element in etree.iterparse(file, events=("end",), tag=KEPT, huge_tree=False, **HARMLESS):
            yield element
            parent = element.getparent()
            if element.tag == "offer" or (parent is not None and parent.tag == "categories"):
                _forget(element, parent)
    except etree.XMLSyntaxError as error:
        raise _refusal(error) from None


def _check_root(file: BinaryIO) -> None:
    """Reads no further than to the first element: what it is, and what was declared before it."""
    parser = etree.XMLPullParser(events=("start",), huge_tree=False, **HARMLESS)
    file.seek(0)
    while chunk := file.read(CHUNK):
        parser.feed(chunk)
        for _, found in parser.read_events():
            root: Any = found
            declared = root.getroottree().docinfo.internalDTD
            if declared is not None and any(True for _ in declared.iterentities()):
                raise UnreadablePriceList("xml_declares_entities")
            if root.tag != "yml_catalog":
                raise UnreadablePriceList("xml_other", tag=etree.QName(root).localname[:40])
            return


def _forget(element: Any, parent: Any) -> None:
    """A tree of everything would hold the file twenty times over."""
    element.clear(keep_tail=False)
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _refusal(error: etree.XMLSyntaxError) -> UnreadablePriceList:
    entries: Any = error.error_log
    line = error.position[0] if error.position else 0
    if "ntity" in " ".join([str(error), *(str(entry.message) for entry in entries)]):
        return UnreadablePriceList("xml_unknown_entity", line=line)
    if "Excessive depth" in str(error):
        return UnreadablePriceList("too_deep", line=line)
    reason = str(error).split(", line")[0][:150]
    return UnreadablePriceList("xml_invalid", line=line, said=reason)


def _goods(offers: Iterator[Any]) -> Iterator[dict[str, Any]]:
    for offer in offers:
        if offer.tag == "offer":
            yield _good(offer)


def _good(offer: Any) -> dict[str, Any]:
    given = {child.tag: _text(child) for child in reversed(offer) if isinstance(child.tag, str)}
    good: dict[str, Any] = {name: given[tag] for tag, name in PLAIN.items() if tag in given}
    good["id"] = offer.get("id")
    if (name := _name(given)) or "name" in given:
        good["name"] = name
    if "vat" in given:
        good["vat_rate"] = VAT_RATES.get(given["vat"].upper(), given["vat"])
    if barcodes := [_text(each) for each in offer.findall("barcode")]:
        good["barcodes"] = barcodes
    if offer.get("available") is not None or any(name in given for name in STOCK):
        good["quantity"] = _stock(offer, given)
    good["parameters"] = _parameters(offer, given)
    return good


def _name(given: dict[str, str]) -> str:
    """What the type vendor.model has in place of a name."""
    kind, vendor, model = (given.get(tag, "") for tag in ("typePrefix", "vendor", "model"))
    words = (kind, "" if model.startswith(vendor) else vendor, model)
    return given.get("name") or " ".join(filter(None, words))


def _stock(offer: Any, given: dict[str, str]) -> str | None:
    """A number where there is one; else available="true" promises goods, "false" means on order."""
    stated = next((given[name] for name in STOCK if given.get(name)), None)
    if stated is not None:
        return stated
    return {"true": "есть", "false": "под заказ"}.get((offer.get("available") or "").strip().casefold())


def _parameters(offer: Any, given: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: parameter_of(given[tag]) for tag, name in PARAMETERS.items() if given.get(tag)}
    for param in offer.findall("param"):
        name, unit, value = (param.get("name") or "").strip(), (param.get("unit") or "").strip(), _text(param)
        name = f"{name} ({unit})" if unit and name else name
        if name and value:
            found[name] = f"{found[name]}, {value}" if name in found else parameter_of(value)
    return found


def _text(element: Any) -> str:
    return "".join(element.itertext()).strip()
