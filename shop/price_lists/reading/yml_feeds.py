"""YML (Yandex Market Language): read element by element, without entities, document types or the network."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, BinaryIO

from lxml import etree

from shop.money import number_text
from shop.price_lists.reading.cell_values import ZERO, UnreadableValueError, number_of
from shop.price_lists.reading.columns import parameter_of
from shop.price_lists.reading.parsed import MOST_CATEGORIES, Limits, ParsedPriceList, UnreadablePriceList
from shop.spreadsheets.headings import Layout

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
STOCK = ("count", "stock_quantity", "quantity", "quantity_in_stock", "stock", "amount", "instock")
AVAILABLE = {"true": "есть", "false": "под заказ"}
MOST_CHILDREN = 2000  # of one offer that are read

# Signs "<" between two offers or categories, whose elements stand in memory until then.
MOST_TAGS = 200_000
KEPT = ("offer", "category", "name", "company")
SAYS_STOCK = (*STOCK, "outlets", "available", "disabled")
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
            if len(categories) > MOST_CATEGORIES:
                raise UnreadablePriceList("too_many_categories", most=MOST_CATEGORIES)
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
        counted = _Counted(file)
        for _, element in etree.iterparse(counted, events=("end",), tag=KEPT, huge_tree=False, **HARMLESS):
            yield element
            parent = element.getparent()
            if element.tag == "offer" or (parent is not None and parent.tag == "categories"):
                _forget(element)
                counted.tags = 0
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


class _Counted:
    """The file, as long as what is read at once may be part of a list."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.tags = 0

    def read(self, size: int) -> bytes:
        chunk = self._file.read(size)
        self.tags += chunk.count(b"<")
        if self.tags > MOST_TAGS:
            raise UnreadablePriceList("xml_too_many_tags", most=MOST_TAGS)
        return chunk


def _forget(element: Any) -> None:
    """And all that came before it: a tree of everything would hold the file twenty times over."""
    element.clear(keep_tail=False)
    while element is not None and (parent := element.getparent()) is not None:
        while element.getprevious() is not None:
            del parent[0]
        element = parent


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
    given: dict[str, str] = {}
    for child in islice(offer, MOST_CHILDREN):
        if isinstance(child.tag, str) and child.tag not in given:
            given[child.tag] = _text(child)
    good: dict[str, Any] = {name: given[tag] for tag, name in PLAIN.items() if tag in given}
    good["id"] = offer.get("id")
    if (name := _name(given)) or "name" in given:
        good["name"] = name
    if "vat" in given:
        good["vat_rate"] = VAT_RATES.get(given["vat"].upper(), given["vat"])
    if barcodes := [_text(each) for each in offer.findall("barcode")]:
        good["barcodes"] = barcodes
    if offer.get("available") is not None or not given.keys().isdisjoint(SAYS_STOCK):
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
    if given.get("disabled", "").casefold() == "true":
        return "нет"
    stated = next((given[name] for name in STOCK if given.get(name)), None)
    if stated is not None:
        return stated
    if outlets := [each for outlet in offer.iter("outlet") if (each := (outlet.get("instock") or "").strip())]:
        return _sum(outlets)
    available = offer.get("available") or given.get("available") or ""
    return AVAILABLE.get(available.strip().casefold())


def _sum(outlets: list[str]) -> str:
    """Of all places where the good is; as they stand if one of them is no number."""
    try:
        return number_text(sum(map(number_of, outlets), ZERO))
    except UnreadableValueError:
        return ", ".join(outlets[:20])


def _parameters(offer: Any, given: dict[str, str]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for param in islice(offer.iterchildren("param"), MOST_CHILDREN):
        name, unit, value = (param.get("name") or "").strip(), (param.get("unit") or "").strip(), _text(param)
        if name and value:
            found.setdefault(f"{name} ({unit})" if unit else name, []).append(value)
    stated = {name: [given[tag]] for tag, name in PARAMETERS.items() if given.get(tag)}
    for name, values in found.items():
        stated.setdefault(name, []).extend(values)
    return {name: parameter_of(values[0]) if len(values) == 1 else ", ".join(values) for name, values in stated.items()}


def _text(element: Any) -> str:
    return "".join(element.itertext()).strip()
