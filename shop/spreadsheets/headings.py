"""What columns are called: by our names of the fields, by usual Russian ones, or by a mapping that somebody gives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SKIP, CATEGORY = "skip", "category"
HEADINGS = (CATEGORY, SKIP)
FIELDS = (
    *("id", "sku", "category", "model", "name", "barcode", "unit", "units_per_pack", "quantity_step"),
    *("minimum_quantity", "vat_rate", "price", "price_rrc", "currency", "quantity"),
)
IGNORED = "ignored"  # what a mapping says of a column that nobody shall read
PARAMETER = "param:"  # before the name of a parameter that is called like one of our columns
ISSUE_COLUMNS = ("issue_row", "issue_code", "issue_message")  # of a report that comes back mended
CODES = frozenset({"id", "sku", "barcode"})
HOW_MANY = ("количество", "кол-во")  # there are, in a price list; are wanted, in an order
ALIASES = {
    "id": ("код", "код товара", "ид", "идентификатор"),
    "sku": ("артикул", "арт", "арт.", "vendor code", "vendorcode"),
    "category": ("категория", "группа", "раздел"),
    "model": ("модель",),
    "name": ("наименование", "название", "номенклатура", "товар", "наименование товара"),
    "barcode": ("штрихкод", "штрих-код", "ean", "gtin", "ean13", "barcodes"),
    "unit": ("ед", "ед.", "ед. изм.", "ед.изм.", "единица", "единица измерения"),
    "units_per_pack": ("в упаковке", "кол-во в упаковке", "в упак."),
    "quantity_step": ("кратность", "шаг"),
    "minimum_quantity": ("мин. заказ", "минимальный заказ", "мин. партия"),
    "vat_rate": ("ндс", "ставка ндс"),
    "price": ("цена", "цена, руб", "цена, руб.", "цена руб.", "цена (руб)"),
    "price_rrc": ("ррц", "розничная цена"),
    "currency": ("валюта",),
    "quantity": ("остаток", "остатки", *HOW_MANY, "наличие", "склад"),
}
FIELD_OF_ALIAS = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
LINES_BEFORE_NAMES = 20
SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Layout:
    """What a supplier says of its tables: the meaning of columns by their names, and what headings are for."""

    columns: Mapping[str, str] = field(default_factory=dict)
    headings: str = CATEGORY

    def meaning(self, name: str) -> str | None:
        """One of FIELDS, IGNORED, or None for a parameter."""
        given = {heading_key(column): meaning for column, meaning in self.columns.items()}
        key = heading_key(name)
        if not key or key in ISSUE_COLUMNS:
            return IGNORED
        return given.get(key) or (key if key in FIELDS else FIELD_OF_ALIAS.get(key))


BY_NAME = Layout()


def heading_key(name: str) -> str:
    return SPACES.sub(" ", name).strip().casefold()
