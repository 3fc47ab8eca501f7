"""What somebody typed into the search, as a condition: words in any form, codes in part, slips of the keyboard.

A trigger (migration 0008) prepares offers in the same way: ё is е, and what separates the parts of a model name or an
article number counts as a space.
"""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, func, literal, or_, text
from sqlalchemy.dialects.postgresql import ARRAY, REGCONFIG, TSQUERY

from shop.catalog.barcodes import gtin_of
from shop.catalog.models import Offer
from shop.database import session

LANGUAGE = literal("russian", REGCONFIG)  # its dictionary of ASCII words is the English one
INSIDE_WORD = re.compile(r"(?<=\w)[-/._,+]+(?=\w)")
LAST_WORD = re.compile(r"^(.*?)(\w{2,})\s*$", re.DOTALL)
SEPARATORS = str.maketrans({"ё": "е"} | dict.fromkeys("-/._,+ "))
YO = str.maketrans("Ёё", "Ее")
SHORTEST_PART, LONGEST_PART = 3, 40
BETWEEN = "|"  # what parts SKU and model in code_key

CODE_IS_EXACT, CODE_IS_PART = 10.0, 1.0  # ts_rank stays below 1: codes come first

# How far a word may be from what was typed: one slip in four letters, two from five on. Of words as near as each other
# those win that begin alike, as people seldom miss the first letter. Articles are never "corrected".
NEAREST_WORDS = text("""
SELECT asked.lexeme, asked.is_known, ARRAY(
    SELECT near.word FROM (
        SELECT word, rank() OVER (
            ORDER BY levenshtein_less_equal(word, asked.lexeme, 2), left(word, 1) <> left(asked.lexeme, 1)
        ) AS place
        FROM search_words
        WHERE NOT asked.is_known AND asked.lexeme ~ '^[[:alpha:]]{4,40}$'
            AND length(word) BETWEEN length(asked.lexeme) - 2 AND length(asked.lexeme) + 2
            AND levenshtein_less_equal(word, asked.lexeme, 2)
                <= CASE WHEN least(length(word), length(asked.lexeme)) > 4 THEN 2 ELSE 1 END
    ) AS near
    WHERE near.place = 1
    ORDER BY near.word
    LIMIT 10
) AS nearest
FROM (
    SELECT lexeme, EXISTS (SELECT FROM search_words WHERE word = lexeme) AS is_known
    FROM unnest(to_tsvector('russian', :q))
) AS asked
""")


@dataclass(frozen=True)
class Words:
    """`corrected` is set where nothing else was found: a tsquery of the words that were probably meant."""

    typed: str
    corrected: str | None = None

    def match(self) -> ColumnElement[bool]:
        """Words in any form, the last one perhaps still being typed; a part of a SKU or model; or a barcode."""
        found = Offer.search.op("@@")(self._tsquery())
        if self.corrected is not None:
            return found
        return or_(found, self.is_exact_code(), *self._is_part_of_code())

    def is_exact_code(self) -> ColumnElement[bool]:
        """The whole SKU or model, whatever separates its parts; or a barcode."""
        codes = [Offer.sku == self.typed, has_barcode(self.typed)]
        if len(code := self._code()) >= SHORTEST_PART and code.isalnum():
            codes += [
                Offer.code_key.startswith(code + BETWEEN, autoescape=True),
                Offer.code_key.endswith(BETWEEN + code, autoescape=True),
            ]
        return or_(*codes)

    def relevance(self) -> ColumnElement[float]:
        rank = func.ts_rank(Offer.search, self._tsquery(), 1)
        if self.corrected is not None:
            return rank
        codes = [(self.is_exact_code(), CODE_IS_EXACT), *((part, CODE_IS_PART) for part in self._is_part_of_code())]
        return rank + case(*codes, else_=0.0)

    def _tsquery(self) -> ColumnElement[Any]:
        if self.corrected is not None:
            return cast(self.corrected, TSQUERY)
        q = _apart(self.typed)
        words: ColumnElement[Any] = func.websearch_to_tsquery(LANGUAGE, q)
        typed = LAST_WORD.match(q)
        if typed and not typed[2].isdigit() and '"' not in q and not typed[1].endswith("-"):
            beginning = func.to_tsquery(LANGUAGE, typed[2] + ":*")
            before = func.websearch_to_tsquery(LANGUAGE, typed[1])
            words = words.op("||")(before.op("&&")(beginning))
        return words

    def _is_part_of_code(self) -> list[ColumnElement[bool]]:
        part = self._code()
        if not SHORTEST_PART <= len(part) <= LONGEST_PART or not part.isalnum() or self.typed.startswith("-"):
            return []
        return [Offer.code_key.contains(part, autoescape=True)]

    def _code(self) -> str:
        return self.typed.casefold().translate(SEPARATORS)


def correct(words: Words) -> Words | None:
    """The words that were probably meant; None where each is known as it stands or is like no known one."""
    rows = session().execute(NEAREST_WORDS, {"q": _apart(words.typed)}).all()
    meant = [[lexeme] if is_known or any(map(str.isdigit, lexeme)) else nearest for lexeme, is_known, nearest in rows]
    if all(meant) and any(words != [row.lexeme] for words, row in zip(meant, rows, strict=True)):
        return Words(words.typed, " & ".join(f"({' | '.join(map(_quoted, each))})" for each in meant))
    return None


def has_barcode(barcode: str) -> ColumnElement[bool]:
    gtin = gtin_of(barcode)
    return literal(False) if gtin is None else Offer.barcodes.contains(cast([gtin], ARRAY(Text)))


def _apart(q: str) -> str:
    """xs-max is one word to PostgreSQL, XS Max are two."""
    return INSIDE_WORD.sub(" ", q.translate(YO))


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
