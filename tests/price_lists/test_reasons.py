"""What is said about a list that waits or has ended, in both languages."""

import re
from pathlib import Path

from flask import Flask

import shop.price_lists as package
from shop import spreadsheets
from shop.http.outgoing import AddressRefused
from shop.price_lists.arriving.fetch import NotChanged
from shop.price_lists.arriving.receipt import EmptyFile
from shop.price_lists.imports.rollback import NotTheLatest
from shop.price_lists.imports.staging import NoGoods, NothingUsable
from shop.price_lists.models import PriceList
from shop.price_lists.reading import UnreadablePriceList
from shop.price_lists.reasons import SENTENCES, Reason, explain, give_reasons, reason_of, sentence
from shop.spreadsheets import DamagedSheetError

CODES = re.compile(
    r'\b(?:Reason|UnreadablePriceList|DownloadFailed|UnreadableSheetError|SheetTooLargeError)\(\s*"(\w+)"'
)


def test_every_code_that_is_given_has_a_sentence() -> None:
    folders = (package.__path__[0], spreadsheets.__path__[0])
    sources = [path.read_text() for folder in folders for path in Path(folder).rglob("*.py")]
    given = {code for source in sources for code in CODES.findall(source)}
    refusals = (NotChanged, NotTheLatest, NoGoods, NothingUsable, EmptyFile, AddressRefused)
    assert given | {DamagedSheetError("").code} | {refusal.code for refusal in refusals} == SENTENCES.keys()


def test_says_where_in_the_file_if_that_is_known(app: Flask) -> None:
    with app.app_context():
        reason = reason_of(UnreadablePriceList("yaml_invalid", line=3, said="did not find ':'"))
        assert sentence(reason) == "The file is not valid YAML (line 3): did not find ':'."
        assert sentence(reason, "ru") == "Это неправильный YAML (строка 3): did not find ':'."
        assert sentence(Reason("too_deep", {"line": None})) == "The file is nested too deep for a price list."


def test_keeps_codes_with_facts_and_the_english_sentences(app: Flask) -> None:
    with app.app_context():
        held = PriceList()
        give_reasons(held, Reason("median", {"moved": 40, "percent": 15}), Reason("grown"))
        assert held.reasons[0] == {"code": "median", "facts": {"moved": 40, "percent": 15}}
        assert explain(held, "ru")[0] == "Половина цен меняется на 40 % и больше; обычно не больше 15 %."
        assert held.message == " ".join(explain(held, "en"))


def test_says_of_older_lists_what_was_said_then() -> None:
    assert explain(PriceList(reasons=[], message="Something was wrong."), "ru") == ["Something was wrong."]
    assert explain(PriceList(reasons=[], message=None), "ru") == []
