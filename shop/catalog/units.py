"""Units of measure: the names that suppliers use, and their codes in ОКЕИ, the all-Russian classifier."""

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
