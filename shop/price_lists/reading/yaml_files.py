"""YAML, and JSON of the same shape.

Neither parser has a stream. JSON is read as a whole, which takes twelve times its size at most. YAML would take fifty
times its size: so its goods are parsed some hundred at a time, whether they stand one below the other, each after a
dash, or between brackets, and what cannot be taken apart must be small.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

import ryaml

from shop.price_lists.reading.cut_goods import with_cut_last
from shop.price_lists.reading.parsed import MIB, Limits, ParsedPriceList, UnreadablePriceList
from shop.spreadsheets.headings import Layout

# The parser stops at 128 levels, but a bracket costs it as much as fifty letters, again and again. Goods have one in
# twenty characters, one in eight or so where they say little.
FEW_BRACKETS = 20_000
LETTERS_PER_BRACKET = 4
NESTED_IN_ONE_LINE = re.compile(r"-[ \t]++(?:[-?][ \t]++){32}")

FEW_LINES = 2_000_000
LETTERS_PER_LINE = 6

# A number here is text to us: written 0012, 1.10 or 12E4 it must come through as it stands, which no parser of
# YAML would do. So such values are put into quotes before they are parsed.
# (To look for the end of the line before is twice as fast as for a line's beginning.)
NUMBERS_KEPT_AS_TEXT = re.compile(
    r"""(\n[ \t]*+(?:-[ \t]++)*+(?:id|sku|model|name|category|barcode|unit|price|price_rrc|quantity)[ \t]*+:[ \t]++)
        ([-+.]?[0-9][^\s'"#,:{}\[\]&*]*)
        (?=[ \t]*(?:\#[^\n]*)?\r?(?:\n|\Z))""",
    re.VERBOSE,
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
GOODS_IN_BRACKETS = re.compile(r"""^(?P<quote>["']?)goods(?P=quote)[ \t]*:[ \t\r\n]*\[""", re.MULTILINE)
# Brackets inside of quotes are none, and a quote inside of a word opens nothing.
BRACKET = re.compile(
    r"""(?<=[\s,:\[{])(?:"(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+') | (?<=\s)\#[^\n]* | [\[\]{}]""", re.DOTALL | re.VERBOSE
)
COMMA = re.compile(r"\s*,")
REST_OF_LINE = re.compile(r"[ \t]*(?:[ \t]\#[^\n]*)?\r?(?:\n|\Z)")
ENDS_TOO_EARLY = ("unexpected end of data", "truncated data")
OTHER_LINE_ENDS = ("\x85", "\u2028", "\u2029")
BLOCK = 2**14  # characters: some dozens of goods, which the processor's cache still holds when they are checked
MOST_AS_A_WHOLE = 4 * MIB  # characters: a second's work


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
        if error.reason in ENDS_TOO_EARLY:
            raise UnreadablePriceList("text_cut_off") from None
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadablePriceList("not_utf8", line=line) from None
    if "\x00" in text:
        raise UnreadablePriceList("not_text")
    return text


def _checked(text: str) -> str:
    """Whatever would cost the parser more than goods do is seen before it begins."""
    lines = text.count("\n") + text.count("\r")
    if lines > FEW_LINES and len(text) < lines * LETTERS_PER_LINE:
        raise UnreadablePriceList("nearly_empty_lines", lines=lines)
    if sum(map(text.count, "[]{}")) > FEW_BRACKETS + len(text) // LETTERS_PER_BRACKET:
        raise UnreadablePriceList("too_deep", line=None)
    if NESTED_IN_ONE_LINE.search(text):
        raise UnreadablePriceList("too_deep", line=None)
    if "*" in text and "&" in text and (shared := set(ANCHOR.findall(text)) & set(ALIAS.findall(text))):
        raise UnreadablePriceList("by_reference", name=min(shared)[:40])
    return text


def _load(text: str) -> tuple[str, Any]:
    """JSON is nearly YAML: parsers of YAML stumble over its surrogate pairs and tabs."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return "json", json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
        except _RepeatedFieldError as error:
            raise UnreadablePriceList("field_twice", name=f'"{error}"', line=None) from None
        except RecursionError:
            raise UnreadablePriceList("too_deep", line=None) from None
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()):
                raise UnreadablePriceList("json_cut_off") from None
        except ValueError:
            pass
    return "yaml", _load_document(text)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise _RepeatedFieldError(name[:40])
        fields[name] = value
    return fields


def _no_number(_name: str) -> NoReturn:
    raise ValueError


@dataclass(frozen=True)
class _GoodsInBlocks:
    """`count` goods in pieces of the text that are YAML when they stand in `frame`.

    Where nothing `closes` them, the last one may have been cut off.
    """

    text: str
    blocks: Sequence[tuple[int, int]]
    count: int
    frame: tuple[str, str] = ("", "")
    closes: bool = True

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        goods = self._goods()
        return goods if self.closes else with_cut_last(goods, ends_in_line=not self.text.endswith(("\n", "\r")))

    def _goods(self) -> Iterator[Any]:
        """What a block alone does not make clear, such as a text that seems to begin a good, the whole file decides."""
        done = 0
        for start, end in self.blocks:
            try:
                goods = _load_yaml(f"{self.frame[0]}{self.text[start:end]}{self.frame[1]}")
            except UnreadablePriceList as refusal:
                if len(self.text) > MOST_AS_A_WHOLE:
                    raise _further_down(refusal, self.text.count("\n", 0, start)) from None
                goods = None
            if not isinstance(goods, list):
                whole = _goods_of(_load_whole(self.text))
                assert isinstance(whole, list)
                yield from whole[done:]
                return
            yield from goods
            done += len(goods)


def _further_down(refusal: UnreadablePriceList, lines: int) -> UnreadablePriceList:
    facts = dict(refusal.facts)
    return UnreadablePriceList(**facts | {"line": facts["line"] and facts["line"] + lines})


def _load_document(text: str) -> Any:
    """The document, with its goods still unread if they can be taken apart."""
    for take_apart in (_goods_after_dashes, _goods_in_brackets):
        if found := take_apart(text):
            start, end, goods = found
            with suppress(UnreadablePriceList):
                document = _load_whole(f"{text[:start]}goods: []\n{text[end:]}")
                if isinstance(document, dict) and document.get("goods") == []:
                    return document | {"goods": goods}
    return _load_whole(text)


def _goods_after_dashes(text: str) -> tuple[int, int, _GoodsInBlocks] | None:
    found = GOODS_IN_BLOCKS.search(text)
    if found is None or text.count("\r") != text.count("\r\n") or any(end in text for end in OTHER_LINE_ENDS):
        return None
    indent = len(found["indent"])
    after = re.compile(r"\n(?![ \t#\r\n])" if indent else r"\n(?![ \t#\r\n]|-[ \t\r\n])")
    next_key = after.search(text, found.end())
    end = next_key.end() if next_key else len(text)
    dash = re.compile(rf"\n[ ]{{{indent}}}-(?=[ \t\r\n]|\Z)")
    start, count = found.start("indent"), 0
    blocks: list[tuple[int, int]] = []
    for good in dash.finditer(text, start - 1, end):
        count += 1
        if good.start() + 1 - start >= BLOCK:
            blocks.append((start, good.start() + 1))
            start = good.start() + 1
    return found.start(), end, _GoodsInBlocks(text, [*blocks, (start, end)], count, closes=end < len(text))


def _goods_in_brackets(text: str) -> tuple[int, int, _GoodsInBlocks] | None:
    found = GOODS_IN_BRACKETS.search(text)
    if found is None:
        return None
    start, count, depth = found.end(), 0, 1
    blocks: list[tuple[int, int]] = []
    for bracket in BRACKET.finditer(text, start):
        if bracket[0] in "[{":
            depth += 1
        elif bracket[0] in "]}":
            depth -= 1
            count += depth == 1
            if not depth and (bracket[0] == "}" or not REST_OF_LINE.match(text, bracket.end())):
                return None
            if not depth:
                goods = _GoodsInBlocks(text, [*blocks, (start, bracket.start())], count, frame=("[", "]"))
                return found.start(), bracket.end(), goods
            if depth == 1 and bracket.end() - start >= BLOCK and (comma := COMMA.match(text, bracket.end())):
                blocks.append((start, bracket.end()))
                start = comma.end()
    return None


def _load_whole(text: str) -> Any:
    if len(text) > MOST_AS_A_WHOLE:
        if "goods" not in text:
            raise UnreadablePriceList("no_price_list")
        raise UnreadablePriceList("not_in_parts", mib=MOST_AS_A_WHOLE // MIB)
    return _load_yaml(text)


def _load_yaml(text: str) -> Any:
    try:
        text = FOREIGN_TAG.sub(r"\1!tag-", text) if "!" in text else text
        return ryaml.loads(NUMBERS_KEPT_AS_TEXT.sub(r'\1"\2"', f"\n{text}")[1:])
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
