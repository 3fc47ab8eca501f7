"""Why a list is held, failed or was discarded: the code and the facts that are kept, and what each says.

`PriceList.reasons` holds codes with facts, for programs; `explain` makes sentences of them, in English or Russian. The
code of an import that was refused is the one named by the refusal, or else the refusal's own. A fact `line` is the
place in the file and may be unknown.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from shop.errors import Invalid, Refusal
from shop.price_lists.row_issues import problem_text
from shop.spreadsheets.errors import SENTENCES as SHEET_SENTENCES
from shop.translations import t_in


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


WHY_HELD: Mapping[str, str] = {
    "torn": "The file ends in the middle of row {row}: it was cut off, and goods that came after may be missing.",
    "foreign": "The list says that it is by «{shop}», which is another supplier.",
    "empty": "The list holds no goods; applying it withdraws all {withdrawn} offers.",
    "withdrawn": "It leaves out {withdrawn} of {listed} offers, more than {percent} %: they would be withdrawn.",
    "median": "Half of the prices move by {moved} % or more; up to {percent} % is usual.",
    "dry_run": "The list was only tried: nothing is changed. It can be applied for seven days.",
    "grown": "Since somebody looked at it, the list has come to change more than was shown. Look at it again.",
}

WHY_DISCARDED: Mapping[str, str] = {
    "superseded": "A newer list of yours was applied before this one could be.",
    "replaced": "A newer list of yours has taken this one's place.",
    "expired": "The list was only tried, and nobody has applied it for seven days.",
    "refused": "Somebody has decided not to apply this list.",
    "stranded": "This list could not be finished and a newer one has come. Send it again if you still need it.",
}

WHY_FAILED: Mapping[str, str] = {
    "deadly": "The list stopped our worker {attempts} times and is not tried again. Send it in smaller parts.",
    "unstorable": (
        "The list holds text or numbers that cannot be stored, such as broken characters. Nothing was changed."
    ),
    "NothingUsable": "None of the {rows} goods in the file can be taken; the catalog stays as it is. {commonest}",
    "no_price_of_new": (
        "The list has no prices, and {unknown} of its goods are not in your catalog yet; a new good needs one."
    ),
    "no_name_of_new": (
        "The list has no names, and {unknown} of its goods are not in your catalog yet; a new good needs one."
    ),
    "no_stock": (
        "The list says nothing of stock: it has neither a column nor a key for the quantity. Nothing was changed."
    ),
    "nothing_to_take": "The list has neither prices nor stock, and its mode takes nothing else. Nothing was changed.",
    "NoGoods": "The file holds no goods; the catalog stays as it is.",
    "NotTheLatest": "Only the list that was applied last can be rolled back.",
    "NotChanged": "The file has not changed since it was fetched last; nothing was done.",
}

UNREADABLE: Mapping[str, str] = {
    "too_large": "The file is larger than {mib} MiB.",
    "too_large_whole": "The file is larger than {mib} MiB; send YAML or JSON in parts.",
    "blank_lines": "More than {most} lines of the table are empty. Delete them.",
    "too_many_categories": "The list has more than {most} categories.",
    "too_many_goods": "The list has more than {most} goods; send it in parts, in mode update.",
    "old_excel": "The file is a workbook of an old Excel (.xls). Save it as .xlsx and send it again.",
    "pdf": "The file is a PDF. Send the list as YAML, JSON, CSV, XLSX or YML.",
    "web_page": "The file is a web page and no price list. Is the address right, and does it open without a log-in?",
    "not_utf8": "The file is not in UTF-8{line}. Save it as UTF-8.",
    "gzip_damaged": "The gzip file is damaged or was cut off. Pack it again.",
    "packed_twice": "The file is packed twice. Pack it once.",
    "no_known_sheet": (
        "No sheet names columns that are known: id, name, price … Say with the file what its columns mean."
    ),
    "no_known_column": (
        "None of the columns is known. The first line must name them: id, name, price …; "
        "or say with the file what its columns mean."
    ),
    "no_id_column": "No column holds the id of the goods; the columns are {columns}.",
    "no_price_column": (
        "No column holds the price of the goods; the columns are {columns}. Say with the file which one it is."
    ),
    "no_name_column": (
        "No column holds the name of the goods; the columns are {columns}. Say with the file which one it is."
    ),
    "too_many_columns": "The table has more than {columns} columns.",
    "columns_alike": "Two columns are called «{column}». Leave the right one.",
    "no_price_list": "The file is no price list: it must hold shop, categories and goods.",
    "no_list_of_goods": "The file has no list called goods.",
    "bad_categories": "What the file calls categories must be a list of id and name.",
    "too_deep": "The file is nested too deep for a price list{line}.",
    "by_reference": "The file repeats parts by reference (*{name}). Write them out instead.",
    "field_twice": (
        "The field {name} is given twice for one thing{line}. Is a dash or a bracket missing in front of it?"
    ),
    "nearly_empty_lines": "The file has {lines} lines, nearly all of them empty. Delete the empty ones.",
    "text_cut_off": "The file ends in the middle of a character. Was it cut off?",
    "json_cut_off": "The file is not valid JSON: it ends before its last bracket. Was it cut off?",
    "not_in_parts": (
        "The file is not valid YAML, or too large to be read at once. Write the goods one below the other, each after "
        "a dash; or send at most {mib} MiB."
    ),
    "yaml_invalid": "The file is not valid YAML{line}: {said}.",
    "xml_invalid": "The file is not valid XML, or was cut off{line}: {said}.",
    "xml_other": "The file is XML, but no YML: it begins with <{tag}>.",
    "xml_too_many_tags": (
        "In the file {most} tags follow each other without an offer: it is no YML, or an offer is endless."
    ),
    "xml_declares_entities": "The file declares entities of its own. Write their texts out instead.",
    "xml_unknown_entity": "The file uses an entity that XML does not know{line}. Write the character itself instead.",
}

NOT_FETCHED: Mapping[str, str] = {
    "EmptyFile": "The file is empty.",
    "AddressRefused": "The address, or one that it leads to, is no web address.",
    "redirects": "The address leads to other addresses without an end.",
    "answered": "The server answered {status} {said} in place of the file.",
    "too_slow": "The file did not arrive within {seconds} s.",
    "silent": "The server sent nothing for {seconds} s.",
    "unknown_host": "The public internet knows no such host.",
    "certificate": "The server's certificate is not valid.",
    "cut_off": "The file was cut off while it was fetched.",
    "unreachable": "The server cannot be reached or does not speak HTTP ({said}).",
}

SENTENCES: Mapping[str, str] = {
    **WHY_HELD,
    **WHY_DISCARDED,
    **WHY_FAILED,
    **UNREADABLE,
    **SHEET_SENTENCES,
    **NOT_FETCHED,
}
LINE = " (line {line})"
COMMONEST = "Most often: {said}"


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
    facts = said_facts(reason.facts, locale)
    if "line" in facts:
        facts["line"] = t_in(locale, LINE, line=facts["line"]) if facts["line"] else ""
    return t_in(locale, SENTENCES[reason.code], **facts)


def said_facts(facts: Mapping[str, Any], locale: str = "en") -> dict[str, Any]:
    """As programs get them: what was wrong most often is said, and was kept as a sentence of older lists."""
    commonest = facts.get("commonest")
    if not isinstance(commonest, Mapping):
        return dict(facts)
    said = problem_text(**commonest, locale=locale)
    ended = said if said.endswith((".", "?")) else f"{said}."
    return {**facts, "commonest": t_in(locale, COMMONEST, said=ended)}


def reason_of(refusal: Refusal) -> Reason:
    facts = dict(refusal.facts)
    return Reason(facts.pop("reason", refusal.code), facts)
