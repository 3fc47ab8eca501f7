"""What is wrong with a row: a code and facts are kept, a sentence is made of them in the language of who reads it.

Most codes are a field and what is wrong with it (`price_missing`). Fields share sentences: the fact `sentence` names
one of SENTENCES where the code itself does not. A colon in that name tells sentences of the same code apart.
The fact `value` is what stood in the file, in «», or one of VALUE_WORDS; `parameter` is which parameter is meant.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from shop.translations import t_in

SENTENCES: Mapping[str, str] = {
    # Of a field.
    "missing": "{field} is missing",
    "missing:name": "{field} has no name",
    "not_text": "{field} must be text, not {value}",
    "not_text:figures": "{field} must be text: put {figures} into quotes",
    "too_long": "{field} is longer than {longest} characters",
    "broken_characters": "{field} holds characters that no text has; they were left out",
    "rounded": (
        "{field} has lost its digits in a spreadsheet ({figures}): format the column as text and enter it again"
    ),
    "duplicate": "{field} is the same as in row {first}, which was taken",
    "not_a_number": "{field} must be a number, not {value}",
    "not_positive": "{field} must be more than 0, not {value}",
    "not_positive:quantity": "{field} must be more than 0 and at most {most}, not {value}",
    "ambiguous": "{field} may be read in two ways: {value}. Write it with a point and two decimals",
    "ambiguous:quantity": "{field} may be read in two ways: {value}; the comma was decimal",
    "too_large": "{field} is too large: {value}",
    "negative": "{field} is negative: {value}",
    "too_fine": "{field} has more than four decimals: {value}",
    "too_fine:quantity": "{field} has more than three decimals: {value}",
    "unknown:currency": "{field} must be RUB, not {value}",
    "unknown:unit": "{field} {value} is not known",
    "unknown_rate": "{field} must be one of {rates}, not {value}",
    "undeclared": "{field} {value} is not among the list's categories",
    "invalid": "{field} {value} is no valid GTIN-8, 12, 13 or 14",
    "not_a_multiple": "{field} is no multiple of the step {step}",
    "not_whole": "{field} is no whole number of «{unit}»",
    "not_whole:taken": "{field} is no whole number of «{unit}»; {taken} was taken",
    "not_a_group": "{field} must be names with values",
    "not_a_value": "{field} has no value that could be shown",
    "too_many": "{field} are more than {most}",
    # Of a row.
    "not_a_good": "The entry must be a group of fields (id, name, price …).",
    "torn": "The file ends in the middle of this row.",
    "row_too_wide": "The row reaches to cell {width}, the heading names {named}. Is a comma not in quotes?",
    "taken_as_heading": "The line has no price and was taken for the heading of a group.",
    "id_unknown": "No good with this id is in your catalog.",
    "sku_ambiguous": "Several of your goods have this SKU; send their ids, too.",
    "sku_ambiguous:commonest": "{field} is not of one good",
    # Of the list as a whole.
    "field_unknown": "This field is not read ({goods} goods).",
    "quantity_missing": "The quantity is empty ({goods} goods): their stock stays as it is.",
    "category_not_a_category": "Category {number} must have an id and a name.",
    "category_incomplete": "Category {number} must have an id and a name.",
    "category_not_text": "Category {number} must be text, not {value}.",
    "category_too_long": "Category {number} is longer than {longest} characters.",
    "category_duplicate": "Category {number} has the id {id}, which «{name}» has, too.",
}
VALUE_WORDS = ("nothing", "a list", "a group of fields", "yes", "no")

Facts = Mapping[str, str | int]


class Problem(NamedTuple):
    """What is wrong, in whichever row: facts in pairs, so that it can be counted."""

    field: str
    code: str
    facts: tuple[tuple[str, str | int], ...] = ()

    def kept(self) -> dict[str, Any]:
        """As a fact of why a list failed."""
        return {"field": self.field, "code": self.code, "facts": dict(self.facts)}


class Issue(NamedTuple):
    """As it is kept: `original` is the row as it stood in the file, with the first error of each."""

    row: int
    severity: str
    external_id: str | None
    field: str
    code: str
    facts: Facts
    original: dict[str, str] | None = None

    @property
    def problem(self) -> Problem:
        return Problem(self.field, self.code, tuple(self.facts.items()))


class KeptIssue(Protocol):
    """A row of price_list_issues, or of these of its columns; one from before facts were kept has its sentence."""

    field: Any
    code: Any
    facts: Any
    kept_message: Any


def issue_text(issue: KeptIssue, locale: str) -> str:
    if issue.facts is None:
        return str(issue.kept_message)
    return problem_text(issue.field, issue.code, issue.facts, locale)


def problem_text(field: str, code: str, facts: Facts, locale: str) -> str:
    """The sentence, in `locale` (ru | en)."""
    values: dict[str, Any] = dict(facts)
    if "parameter" in values:
        field = f"{field} «{values['parameter']}»"
    if values.get("value") in VALUE_WORDS:
        values["value"] = t_in(locale, f"value|{values['value']}")
    return t_in(locale, SENTENCES[values.pop("sentence", code)], **values, field=field)
