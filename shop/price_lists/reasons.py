"""Why a list is held, failed or was discarded: the code and the facts that are kept, and what each says.

`PriceList.reasons` holds codes with facts, for programs; `explain` makes sentences of them, in English or Russian. The
code of an import that was refused is the one named by the refusal, or else the refusal's own. A fact `line` is the
place in the file and may be unknown.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from shop.errors import Invalid, Refusal
from shop.spreadsheets.errors import SENTENCES as SHEET_SENTENCES
from shop.spreadsheets.errors import Sentences


class Reason(NamedTuple):
    code: str
    facts: Mapping[str, Any] = {}


class Reasoned(Protocol):
    """A price list, or a row of its columns."""

    reasons: Any
    message: Any


class RefusedFile(Invalid):
    """A refusal with many sentences: `reason` is one of the codes below."""

    code = "RefusedFile"

    def __init__(self, reason: str, **facts: Any) -> None:
        super().__init__(sentence(Reason(reason, facts)), reason=reason, **facts)


WHY_HELD: Mapping[str, Sentences] = {
    "torn": Sentences(
        "The file ends in the middle of row {row}: it was cut off, and goods that came after may be missing.",
        "Файл обрывается посреди строки {row}: он пришёл не целиком, и товаров после неё может не хватать.",
    ),
    "foreign": Sentences(
        "The list says that it is by «{shop}», which is another supplier.",
        "В списке указан поставщик «{shop}», а это другая компания.",
    ),
    "empty": Sentences(
        "The list holds no goods; applying it withdraws all {withdrawn} offers.",
        "В списке нет товаров; если его применить, будут сняты все предложения: {withdrawn}.",
    ),
    "withdrawn": Sentences(
        "It leaves out {withdrawn} of {listed} offers, more than {percent} %: they would be withdrawn.",
        "В нём нет {withdrawn} из {listed} предложений, это больше {percent} %: они будут сняты.",
    ),
    "median": Sentences(
        "Half of the prices move by {moved} % or more; up to {percent} % is usual.",
        "Половина цен меняется на {moved} % и больше; обычно не больше {percent} %.",
    ),
    "dry_run": Sentences(
        "The list was only tried: nothing is changed. It can be applied for seven days.",
        "Пробная загрузка: ничего не изменено. Применить список можно в течение семи дней.",
    ),
    "grown": Sentences(
        "Since somebody looked at it, the list has come to change more than was shown. Look at it again.",
        "С тех пор как список посмотрели, он стал менять больше, чем было показано. Посмотрите его ещё раз.",
    ),
}

WHY_DISCARDED: Mapping[str, Sentences] = {
    "superseded": Sentences(
        "A newer list of yours was applied before this one could be.",
        "Раньше, чем дошла очередь до этого списка, был применён более новый.",
    ),
    "replaced": Sentences(
        "A newer list of yours has taken this one's place.",
        "Его место занял более новый список.",
    ),
    "expired": Sentences(
        "The list was only tried, and nobody has applied it for seven days.",
        "Пробная загрузка: за семь дней список никто не применил.",
    ),
    "refused": Sentences(
        "Somebody has decided not to apply this list.",
        "Этот список решили не применять.",
    ),
    "stranded": Sentences(
        "This list could not be finished and a newer one has come. Send it again if you still need it.",
        "Этот список не удалось загрузить до конца, и пришёл более новый. Если он ещё нужен, отправьте его снова.",
    ),
}

WHY_FAILED: Mapping[str, Sentences] = {
    "deadly": Sentences(
        "The list stopped our worker {attempts} times and is not tried again. Send it in smaller parts.",
        "Загрузка списка обрывалась {attempts} раз, и больше её не пробуют. Отправьте его меньшими частями.",
    ),
    "unstorable": Sentences(
        "The list holds text or numbers that cannot be stored, such as broken characters. Nothing was changed.",
        "В списке есть текст или числа, которые нельзя сохранить, например испорченные знаки. Ничего не изменено.",
    ),
    "NothingUsable": Sentences(
        "None of the {rows} goods in the file can be taken; the catalog stays as it is. {commonest}",
        "Ни один из товаров в файле ({rows}) принять нельзя; каталог остался прежним. Что не так, сказано построчно.",
    ),
    "no_price_of_new": Sentences(
        "The list has no prices, and {unknown} of its goods are not in your catalog yet; a new good needs one.",
        "В списке нет цен, а {unknown} из его товаров ещё нет в каталоге; новому товару нужна цена.",
    ),
    "no_name_of_new": Sentences(
        "The list has no names, and {unknown} of its goods are not in your catalog yet; a new good needs one.",
        "В списке нет наименований, а {unknown} из его товаров ещё нет в каталоге; новому товару нужно наименование.",
    ),
    "no_stock": Sentences(
        "The list says nothing of stock: it has neither a column nor a key for the quantity. Nothing was changed.",
        "В списке нет остатков: ни столбца, ни поля с количеством. Ничего не изменено.",
    ),
    "nothing_to_take": Sentences(
        "The list has neither prices nor stock, and its mode takes nothing else. Nothing was changed.",
        "В списке нет ни цен, ни остатков, а в этом режиме берётся только это. Ничего не изменено.",
    ),
    "NoGoods": Sentences(
        "The file holds no goods; the catalog stays as it is.",
        "В файле нет товаров; каталог остался прежним.",
    ),
    "NotTheLatest": Sentences(
        "Only the list that was applied last can be rolled back.",
        "Откатить можно только тот список, который применён последним.",
    ),
    "NotChanged": Sentences(
        "The file has not changed since it was fetched last; nothing was done.",
        "С прошлой загрузки файл не изменился; ничего не сделано.",
    ),
}

UNREADABLE: Mapping[str, Sentences] = {
    "too_large": Sentences("The file is larger than {mib} MiB.", "Файл больше {mib} МиБ."),
    "too_large_whole": Sentences(
        "The file is larger than {mib} MiB; send YAML or JSON in parts.",
        "Файл больше {mib} МиБ; YAML и JSON отправляйте частями.",
    ),
    "blank_lines": Sentences(
        "More than {most} lines of the table are empty. Delete them.",
        "В таблице больше {most} пустых строк. Удалите их.",
    ),
    "too_many_categories": Sentences(
        "The list has more than {most} categories.",
        "В прайс-листе больше {most} категорий.",
    ),
    "too_many_goods": Sentences(
        "The list has more than {most} goods; send it in parts, in mode update.",
        "В прайс-листе больше {most} товаров; отправляйте его частями в режиме update.",
    ),
    "old_excel": Sentences(
        "The file is a workbook of an old Excel (.xls). Save it as .xlsx and send it again.",
        "Это книга старого Excel (.xls). Сохраните её как .xlsx и отправьте снова.",
    ),
    "pdf": Sentences(
        "The file is a PDF. Send the list as YAML, JSON, CSV, XLSX or YML.",
        "Это PDF. Отправьте список как YAML, JSON, CSV, XLSX или YML.",
    ),
    "web_page": Sentences(
        "The file is a web page and no price list. Is the address right, and does it open without a log-in?",
        "Это веб-страница, а не прайс-лист. Верен ли адрес и открывается ли он без входа?",
    ),
    "not_utf8": Sentences(
        "The file is not in UTF-8{line}. Save it as UTF-8.",
        "Файл не в UTF-8{line}. Сохраните его в UTF-8.",
    ),
    "gzip_damaged": Sentences(
        "The gzip file is damaged or was cut off. Pack it again.",
        "Файл gzip повреждён или оборван. Сожмите его ещё раз.",
    ),
    "packed_twice": Sentences("The file is packed twice. Pack it once.", "Файл сжат дважды. Сожмите его один раз."),
    "no_known_sheet": Sentences(
        "No sheet names columns that are known: id, name, price … Say with the file what its columns mean.",
        "Ни на одном листе нет известных столбцов: id, name, price … Укажите вместе с файлом, что значат столбцы.",
    ),
    "no_known_column": Sentences(
        "None of the columns is known. The first line must name them: id, name, price …; "
        "or say with the file what its columns mean.",
        "Ни один столбец не известен. Назовите их в первой строке: id, name, price …; "
        "или укажите вместе с файлом, что значат столбцы.",
    ),
    "no_id_column": Sentences(
        "No column holds the id of the goods; the columns are {columns}.",
        "Ни в одном столбце нет кода товара; столбцы файла: {columns}.",
    ),
    "no_price_column": Sentences(
        "No column holds the price of the goods; the columns are {columns}. Say with the file which one it is.",
        "Ни в одном столбце нет цены товара; столбцы файла: {columns}. Укажите вместе с файлом, какой из них цена.",
    ),
    "no_name_column": Sentences(
        "No column holds the name of the goods; the columns are {columns}. Say with the file which one it is.",
        "Ни в одном столбце нет наименования товара; столбцы файла: {columns}. "
        "Укажите вместе с файлом, какой из них наименование.",
    ),
    "too_many_columns": Sentences(
        "The table has more than {columns} columns.",
        "В таблице больше {columns} столбцов.",
    ),
    "columns_alike": Sentences(
        "Two columns are called «{column}». Leave the right one.",
        "Два столбца называются «{column}». Оставьте нужный.",
    ),
    "no_price_list": Sentences(
        "The file is no price list: it must hold shop, categories and goods.",
        "Это не прайс-лист: в файле должны быть shop, categories и goods.",
    ),
    "no_list_of_goods": Sentences("The file has no list called goods.", "В файле нет списка goods."),
    "bad_categories": Sentences(
        "What the file calls categories must be a list of id and name.",
        "categories в файле должны быть списком из id и name.",
    ),
    "too_deep": Sentences(
        "The file is nested too deep for a price list{line}.",
        "Вложенность слишком глубока для прайс-листа{line}.",
    ),
    "by_reference": Sentences(
        "The file repeats parts by reference (*{name}). Write them out instead.",
        "Части файла повторяются по ссылке (*{name}). Напишите их целиком.",
    ),
    "field_twice": Sentences(
        "The field {name} is given twice for one thing{line}. Is a dash or a bracket missing in front of it?",
        "Поле {name} указано дважды{line}. Не пропущены ли перед ним дефис или скобка?",
    ),
    "nearly_empty_lines": Sentences(
        "The file has {lines} lines, nearly all of them empty. Delete the empty ones.",
        "В файле {lines} строк, и почти все пустые. Удалите пустые.",
    ),
    "text_cut_off": Sentences(
        "The file ends in the middle of a character. Was it cut off?",
        "Файл кончается посреди знака. Не оборван ли он?",
    ),
    "json_cut_off": Sentences(
        "The file is not valid JSON: it ends before its last bracket. Was it cut off?",
        "Это неправильный JSON: файл кончается раньше последней скобки. Не оборван ли он?",
    ),
    "not_in_parts": Sentences(
        "The file is not valid YAML, or too large to be read at once. Write the goods one below the other, each after "
        "a dash; or send at most {mib} MiB.",
        "Это неправильный YAML, или файл слишком велик, чтобы прочесть его сразу. Пишите товары один под другим, "
        "каждый после дефиса; или отправьте не больше {mib} МиБ.",
    ),
    "yaml_invalid": Sentences(
        "The file is not valid YAML{line}: {said}.",
        "Это неправильный YAML{line}: {said}.",
    ),
    "xml_invalid": Sentences(
        "The file is not valid XML, or was cut off{line}: {said}.",
        "Это неправильный XML, или файл оборван{line}: {said}.",
    ),
    "xml_other": Sentences(
        "The file is XML, but no YML: it begins with <{tag}>.",
        "Это XML, но не YML: он начинается с <{tag}>.",
    ),
    "xml_too_many_tags": Sentences(
        "In the file {most} tags follow each other without an offer: it is no YML, or an offer is endless.",
        "В файле {most} тегов подряд нет ни одного конца offer: это не YML, или одно предложение бесконечно.",
    ),
    "xml_declares_entities": Sentences(
        "The file declares entities of its own. Write their texts out instead.",
        "В файле объявлены собственные сущности (entity). Напишите вместо них сам текст.",
    ),
    "xml_unknown_entity": Sentences(
        "The file uses an entity that XML does not know{line}. Write the character itself instead.",
        "В файле есть сущность (entity), которой нет в XML{line}. Напишите вместо неё сам знак.",
    ),
}

NOT_FETCHED: Mapping[str, Sentences] = {
    "EmptyFile": Sentences("The file is empty.", "Файл пуст."),
    "AddressRefused": Sentences(
        "The address, or one that it leads to, is no web address.",
        "Адрес, или тот, на который он переадресует, не веб-адрес.",
    ),
    "redirects": Sentences(
        "The address leads to other addresses without an end.",
        "Адрес без конца переадресует на другие.",
    ),
    "answered": Sentences(
        "The server answered {status} {said} in place of the file.",
        "Вместо файла сервер ответил {status} {said}.",
    ),
    "too_slow": Sentences("The file did not arrive within {seconds} s.", "Файл не пришёл за {seconds} с."),
    "silent": Sentences("The server sent nothing for {seconds} s.", "Сервер молчал {seconds} с."),
    "unknown_host": Sentences(
        "The public internet knows no such host.", "В общедоступном интернете такого сервера нет."
    ),
    "certificate": Sentences("The server's certificate is not valid.", "Сертификат сервера недействителен."),
    "cut_off": Sentences("The file was cut off while it was fetched.", "При загрузке файл оборвался."),
    "unreachable": Sentences(
        "The server cannot be reached or does not speak HTTP ({said}).",
        "Сервер недоступен или не отвечает по HTTP ({said}).",
    ),
}

SENTENCES: Mapping[str, Sentences] = {
    **WHY_HELD,
    **WHY_DISCARDED,
    **WHY_FAILED,
    **UNREADABLE,
    **SHEET_SENTENCES,
    **NOT_FETCHED,
}
LINE = Sentences(" (line {})", " (строка {})")


def give_reasons(price_list: Reasoned, *reasons: Reason) -> None:
    """None where there is nothing to say any more."""
    for name, value in values_of(reasons).items():
        setattr(price_list, name, value)


def values_of(reasons: Sequence[Reason]) -> dict[str, Any]:
    """The columns of a price list that they fill."""
    kept = [{"code": code, "facts": dict(facts)} for code, facts in reasons]
    return {"reasons": kept, "message": " ".join(map(sentence, reasons)) or None}


def explain(price_list: Reasoned, locale: str) -> list[str]:
    """Sentences in `locale` (ru | en); of lists from before reasons were kept, what was said then."""
    if not price_list.reasons:
        return [price_list.message] if price_list.message else []
    return [sentence(Reason(each["code"], each["facts"]), locale) for each in price_list.reasons]


def sentence(reason: Reason, locale: str = "en") -> str:
    facts = dict(reason.facts)
    if "line" in facts:
        facts["line"] = getattr(LINE, locale).format(facts["line"]) if facts["line"] else ""
    said: str = getattr(SENTENCES[reason.code], locale)
    return said.format(**facts)


def reason_of(refusal: Refusal) -> Reason:
    facts = dict(refusal.facts)
    return Reason(facts.pop("reason", refusal.code), facts)
