"""What is wrong with a row, in Russian: kept in English with the values that it names, it is known by its shape."""

import re
from collections.abc import Mapping

VALUE = {"nothing": "пусто", "a list": "список", "a group of fields": "группа полей", "yes": "да", "no": "нет"}

# After the name of the field, or of the category.
OF_A_FIELD: Mapping[str, str] = {
    "is missing": "не указано",
    "has no name": "без названия",
    "must be text, not (.*)": "должно быть текстом, а не {0}",
    "must be text: put it into quotes; the id was taken instead": "должно быть текстом: возьмите в кавычки; взят код",
    "must be text: put (.*) into quotes": "должно быть текстом: возьмите {0} в кавычки",
    r"is longer than (\d+) characters": "длиннее {0} знаков",
    "holds characters that no text has; they were left out": "содержит знаки, которых в тексте не бывает; они опущены",
    r"has lost its digits in a spreadsheet \((.*)\): format the column as text and enter it again": (
        "цифры потеряны в электронной таблице ({0}): задайте столбцу текстовый формат и введите значение заново"
    ),
    r"is the same as in row (\d+), which was taken": "такое же, как в строке {0}, а принята она",
    "must be a number, not (.*)": "должно быть числом, а не {0}",
    "must be more than 0, not (.*)": "должно быть больше 0, а не {0}",
    "must be more than 0 and at most (.*), not (.*)": "должно быть больше 0 и не больше {0}, а не {1}",
    r"may be read in two ways: (.*)\. Write it with a point and two decimals": (
        "можно прочесть двояко: {0}. Напишите с точкой и двумя знаками после неё"
    ),
    "may be read in two ways: (.*); the comma was decimal": "можно прочесть двояко: {0}; запятая принята за десятичную",
    "is too large: (.*)": "слишком большое: {0}",
    "is negative: (.*)": "отрицательное: {0}",
    "has more than four decimals: (.*)": "больше четырёх знаков после запятой: {0}",
    "has more than three decimals: (.*)": "больше трёх знаков после запятой: {0}",
    "must be RUB, not (.*)": "должна быть RUB, а не {0}",
    "must be one of (.*), not (.*)": "должно быть одно из {0}, а не {1}",
    "is no multiple of the step (.*)": "не кратно шагу {0}",
    "«(.*)» is not known": "«{0}» неизвестно",
    "is no whole number of «(.*)»": "не целое число («{0}»)",
    "is no whole number of «(.*)»; (.*) was taken": "не целое число («{0}»); взято: {1}",
    "«(.*)» is not known; «(.*)» was taken": "«{0}» неизвестно; взято «{1}»",
    "«(.*)» is not among the list's categories": "«{0}» нет среди категорий прайс-листа",
    "«(.*)» is no valid GTIN-8, 12, 13 or 14": "«{0}» — не GTIN-8, 12, 13 или 14",
    "must be names with values": "должны быть названия со значениями",
    r"are more than (\d+)": "больше {0}",
    "has no value that could be shown": "нет значения, которое можно показать",
    "must have an id and a name": "нужны id и name",
    "has the id (.*), which «(.*)» has, too": "id {0} уже есть у «{1}»",
}
OF_ALL: Mapping[str, str] = {
    r"The file ends in the middle of this row\.": "Файл обрывается посреди этой строки.",
    r"The row reaches to cell (\d+), the heading names (\d+)\. Is a comma not in quotes\?": (
        "Строка доходит до ячейки {0}, а заголовок называет {1}. Не стоит ли запятая без кавычек?"
    ),
    r"The entry must be a group of fields \(id, name, price …\)\.": "Запись должна быть группой полей (id, name …).",
    r"The line has no price and was taken for the heading of a group\.": "В строке нет цены; она принята за заголовок.",
    r"This field is not read \((\d+) goods\)\.": "Это поле не читается (товаров: {0}).",
    r"The quantity is empty \((\d+) goods\): their stock stays as it is\.": (
        "Остаток не указан (товаров: {0}): их остатки остались прежними."
    ),
    r"Several of your goods have this SKU; send their ids, too\.": (
        "Этот артикул у нескольких ваших товаров; пришлите и их коды."
    ),
    r"No good with this id is in your catalog\.": "Товара с этим кодом нет в вашем каталоге.",
}
FIELDS = re.compile(r"(?P<of>Category \d+|parameters «.*?»|[a-z_]+) (?P<said>.*?)\.?", re.DOTALL)


def issue_in(locale: str, message: str) -> str:
    return in_russian(message) if locale == "ru" else message


def in_russian(message: str) -> str:
    """As it stands where its shape is not known."""
    if said := _said(OF_ALL, message):
        return said
    found = FIELDS.fullmatch(message)
    said = _said(OF_A_FIELD, found["said"]) if found else None
    return f"{found['of'].replace('Category', 'Категория')}: {said}" if found and said else message


def _said(sentences: Mapping[str, str], message: str) -> str | None:
    for shape, russian in sentences.items():
        if found := re.fullmatch(shape, message, re.DOTALL):
            return russian.format(*(VALUE.get(value, value) for value in found.groups()))
    return None
