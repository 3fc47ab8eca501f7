"""YAML, and JSON of the same shape.

Neither parser has a stream. JSON is read as a whole; of YAML the goods are parsed some hundred at a time where they
stand one below the other, each after a dash, as nearly all lists have them.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

import ryaml

from shop.catalog.price_lists.formats.columns import Layout
from shop.catalog.price_lists.formats.parsed import MIB, Limits, ParsedPriceList, UnreadablePriceList

MAX_BRACKETS = 10_000

# The parser stops at 128 levels, but only after it has read a whole run of brackets, at 4 s a megabyte.
BRACKETS = re.compile(rb"[^\[\]{}]+")

# A number here is text to us: written 0012, 1.10 or 12E4 it must come through as it stands, which no parser of
# YAML would do. So such values are put into quotes before they are parsed.
NUMBERS_KEPT_AS_TEXT = re.compile(
    r"""^([ \t]*(?:-[ \t]+)*(?:id|sku|model|name|category|barcode|unit|price|price_rrc|quantity)[ \t]*:[ \t]+)
        ([-+.]?[0-9][^\s'"#,:{}\[\]&*]*)
        (?=[ \t]*(?:\#[^\n]*)?\r?$)""",
    re.MULTILINE | re.VERBOSE,
)
# The parser reads over tags like !!python/… and !!binary, as if the text behind them were meant. Of its own tags, with
# one sign, it makes a group that no field takes: so these become such, and their rows are refused.
FOREIGN_TAG = re.compile(
    r"""^([ \t]*(?:-[ \t]+)*(?:[\w"'][^\n:\#]*:[ \t]+)?)
        !(?:!(?!(?:str|int|float|bool|null|map|seq|timestamp)\b)(?=[A-Za-z])|<[^>\n]*>)""",
    re.MULTILINE | re.VERBOSE,
)
ANCHOR = re.compile(r"(?:^|[\s\[{,])&([^\s\[\]{},]+)")
ALIAS = re.compile(r"(?:^|[\s\[{,])\*([^\s\[\]{},]+)")
PLACE = re.compile(r" at line (\d+)(?: column \d+)?")
GOODS_IN_BLOCKS = re.compile(
    r"""^(?P<quote>["']?)goods(?P=quote)[ \t]*:[ \t]*(?:\#[^\n]*)?\r?\n
        (?:[ ]*(?:\#[^\n]*)?\r?\n)*+
        (?P<indent>[ ]*)-(?=[ \t\r\n])""",
    re.MULTILINE | re.VERBOSE,
)
OTHER_LINE_ENDS = ("\x85", "\u2028", "\u2029")
BLOCK = 2**19  # characters


class _RepeatedFieldError(Exception):
    """A JSON object gives the same field twice."""


def read_json_or_yaml(file: BinaryIO, _layout: Layout, limits: Limits) -> ParsedPriceList:
    raw = file.read(limits.whole + 1)
    if len(raw) > limits.whole:
        raise UnreadablePriceList("too_large_whole", mib=limits.whole // MIB)
    text = _checked(_decode(raw))
    del raw
    form, document = _load(text)
    goods = _goods_of(document)
    categories = document.get("categories") or []
    if not isinstance(categories, list):
        raise UnreadablePriceList("bad_categories")
    shop = str(document.get("shop") or "")
    return ParsedPriceList(form, shop, categories, enumerate(goods, start=1), rows_expected=len(goods))


def _goods_of(document: Any) -> "list[Any] | _GoodsInBlocks":
    if not isinstance(document, dict):
        raise UnreadablePriceList("no_price_list")
    goods = document.get("goods")
    if not isinstance(goods, list | _GoodsInBlocks):
        raise UnreadablePriceList("no_list_of_goods")
    return goods


def _decode(raw: bytes) -> str:
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadablePriceList("not_utf8", line=line) from None
    if "\x00" in text:
        raise UnreadablePriceList("not_text")
    return text


def _checked(text: str) -> str:
    if _deepest_bracket(text) > MAX_BRACKETS:
        raise UnreadablePriceList("too_deep", line=None)
    if "*" in text and "&" in text and (shared := set(ANCHOR.findall(text)) & set(ALIAS.findall(text))):
        raise UnreadablePriceList("by_reference", name=min(shared)[:40])
    return text


def _deepest_bracket(text: str) -> int:
    """An upper bound that costs nothing: brackets inside of texts count, too."""
    brackets = BRACKETS.sub(b"", text.encode())
    if len(brackets) <= MAX_BRACKETS:
        return 0
    depth = deepest = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _load(text: str) -> tuple[str, Any]:
    """JSON is nearly YAML: parsers of YAML stumble over its surrogate pairs and tabs."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return "json", json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
        except _RepeatedFieldError as error:
            raise UnreadablePriceList("field_twice", name=f'"{error}"', line=None) from None
        except (ValueError, RecursionError):
            pass
    return "yaml", _load_blocks(text) or _load_yaml(text)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedFieldError(next(name for name in names if names.count(name) > 1)[:40])
    return fields


def _no_number(_name: str) -> NoReturn:
    raise ValueError


@dataclass(frozen=True)
class _GoodsInBlocks:
    """Between `start` and `end`, each beginning at `dash`."""

    text: str
    start: int
    end: int
    dash: re.Pattern[str]

    def __len__(self) -> int:
        return sum(1 for _ in self.dash.finditer(self.text, self.start, self.end))

    def __iter__(self) -> Iterator[Any]:
        """What a block alone does not make clear, such as a text that seems to begin a good, the whole file decides."""
        done = 0
        for block in self._blocks():
            try:
                goods = _load_yaml(block)
            except UnreadablePriceList:
                goods = None
            if not isinstance(goods, list):
                whole = _goods_of(_load_yaml(self.text))
                assert isinstance(whole, list)
                yield from whole[done:]
                return
            yield from goods
            done += len(goods)

    def _blocks(self) -> Iterator[str]:
        start = self.start
        while start < self.end:
            next_good = self.dash.search(self.text, start + BLOCK, self.end)
            end = next_good.start() if next_good else self.end
            yield self.text[start:end]
            start = end


def _load_blocks(text: str) -> dict[str, Any] | None:
    """The document with its goods still unread. None where they do not stand in blocks, or the rest is not clear."""
    found = GOODS_IN_BLOCKS.search(text)
    if found is None or text.count("\r") != text.count("\r\n") or any(end in text for end in OTHER_LINE_ENDS):
        return None
    indent = len(found["indent"])
    after = re.compile(r"^(?![ \t#\r\n])" if indent else r"^(?![ \t#\r\n]|-[ \t\r\n])", re.MULTILINE)
    next_key = after.search(text, found.end())
    end = next_key.start() if next_key else len(text)
    try:
        document = _load_yaml(f"{text[: found.start()]}goods: []\n{text[end:]}")
    except UnreadablePriceList:
        return None
    if not isinstance(document, dict) or document.get("goods") != []:
        return None
    dash = re.compile(rf"^[ ]{{{indent}}}-(?=[ \t\r\n]|\Z)", re.MULTILINE)
    return document | {"goods": _GoodsInBlocks(text, found.start("indent"), end, dash)}


def _load_yaml(text: str) -> Any:
    try:
        text = FOREIGN_TAG.sub(r"\1!tag-", text) if "!" in text else text
        return ryaml.loads(NUMBERS_KEPT_AS_TEXT.sub(r'\1"\2"', text))
    except RecursionError:
        raise UnreadablePriceList("too_deep", line=None) from None
    except ValueError as error:
        raise _refusal(str(error)) from None


def _refusal(reason: str) -> UnreadablePriceList:
    """The parser's reason with its place, for somebody who has the file open in an editor."""
    lines = PLACE.findall(reason)
    line = int(lines[0]) if lines else None
    if "recursion limit" in reason:
        return UnreadablePriceList("too_deep", line=line)
    if "duplicate entry with key" in reason:
        key = reason.partition("key ")[2].split(" at ")[0]
        return UnreadablePriceList("field_twice", name=key, line=line)
    return UnreadablePriceList("yaml_invalid", line=line, said=PLACE.sub("", reason)[:200])
