"""Units of measure: the names that suppliers use, their codes in ОКЕИ (the all-Russian classifier), and which of them
are counted in whole pieces."""

from decimal import ROUND_FLOOR, Decimal

DEFAULT_UNIT: tuple[str | None, str] = ("796", "шт")

NAME_OF_CODE = {
    "796": "шт",
    "166": "кг",
    "163": "г",
    "168": "т",
    "006": "м",
    "055": "м2",
    "113": "м3",
    "112": "л",
    "111": "мл",
    "778": "уп",
    "868": "бут",
    "736": "рул",
    "715": "пар",
    "839": "компл",
    "704": "набор",
    "625": "лист",
    "812": "ящ",
    "798": "тыс. шт",
}

OTHER_NAMES = {
    "штука": "шт",
    "штук": "шт",
    "килограмм": "кг",
    "грамм": "г",
    "гр": "г",
    "тонна": "т",
    "метр": "м",
    "пог. м": "м",
    "м²": "м2",
    "кв. м": "м2",
    "кв.м": "м2",
    "м³": "м3",
    "куб. м": "м3",
    "литр": "л",
    "упаковка": "уп",
    "упак": "уп",
    "бутылка": "бут",
    "рулон": "рул",
    "пара": "пар",
    "комплект": "компл",
    "ящик": "ящ",
    "pcs": "шт",
    "pc": "шт",
    "kg": "кг",
}

# What is counted: half a pair or half a bottle is nothing that could be sold, sent or taken back. What is not here may
# be divided as far as a quantity has places: measures (кг, л, м, м2 …), «тыс. шт» (its thousandth is one piece) and
# what only its supplier knows (бухта, смена, услуга): there the step says how.
COUNTED = frozenset(
    {"шт", "уп", "бут", "рул", "пар", "компл", "набор", "лист", "ящ"}
    | {"ед", "единица", "экз", "изд", "изделие", "предмет", "наб", "к-т", "сет", "set", "pair", "pack", "box"}
    | {
        "пач",
        "пачка",
        "пак",
        "пакет",
        "кор",
        "короб",
        "коробка",
        "бл",
        "блок",
        "бан",
        "банка",
        "бутыль",
        "меш",
        "мешок",
    }
    | {"фл", "флак", "флакон", "туба", "тюбик", "вед", "ведро", "канистра", "бочка", "баллон", "лот", "лоток", "стакан"}
    | {"пал", "паллета", "палета", "поддон", "конт", "контейнер", "моток", "катушка", "амп", "ампула"}
)

CODE_OF_NAME = {name: code for code, name in NAME_OF_CODE.items()}
LONGEST_NAME = 20


def unit_of(text: str) -> tuple[str | None, str] | None:
    """(code, name) of a unit given by name or code; no code where ОКЕИ has none here («меш»); None for nonsense."""
    if text.isascii() and text.isdigit():
        code = text.zfill(3)
        return (code, NAME_OF_CODE[code]) if code in NAME_OF_CODE else None
    name = text.casefold().rstrip(".")
    name = OTHER_NAMES.get(name, name)
    if not name or len(name) > LONGEST_NAME:
        return None
    return CODE_OF_NAME.get(name), name


def breaks_pieces(quantity: Decimal, unit: str) -> bool:
    """Whether there can be no such quantity, as a piece would have to be divided for it."""
    return quantity % 1 != 0 and unit in COUNTED


def whole_pieces(quantity: Decimal, unit: str) -> Decimal:
    """What can be taken of a quantity: of 10.5 bottles ten."""
    return quantity.to_integral_value(ROUND_FLOOR) if breaks_pieces(quantity, unit) else quantity


def step_of(step: Decimal, unit: str) -> Decimal:
    """The step as it binds: one that would divide pieces is none, and one piece is the step."""
    return Decimal(1) if breaks_pieces(step, unit) else step


def minimum_of(minimum: Decimal, unit: str) -> Decimal:
    return whole_pieces(minimum, unit) + 1 if breaks_pieces(minimum, unit) else minimum


def multiple_from(quantity: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of the step that is not below the quantity."""
    rest = quantity % step
    return quantity if rest == 0 else quantity - rest + step


def sql_is_counted(unit: str) -> str:
    """What the functions above ask first, in SQL."""
    names = ", ".join(f"'{name}'" for name in sorted(COUNTED))
    return f"{unit} IN ({names})"


def sql_whole_pieces(quantity: str, is_counted: str) -> str:
    """whole_pieces() in SQL, where that is known already."""
    return f"(CASE WHEN {is_counted} THEN floor({quantity}) ELSE {quantity} END)"


def sql_step_of(step: str, is_counted: str) -> str:
    return f"(CASE WHEN {is_counted} AND mod({step}, 1) <> 0 THEN 1 ELSE {step} END)"


def sql_minimum_of(minimum: str, is_counted: str) -> str:
    return f"(CASE WHEN {is_counted} THEN ceil({minimum}) ELSE {minimum} END)"
