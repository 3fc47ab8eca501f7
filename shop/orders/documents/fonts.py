"""The letters of our papers: PT Sans without what only screens and typesetters need, and what it can show of a text."""

import io
import unicodedata
from functools import cache
from importlib import resources
from itertools import accumulate, pairwise
from struct import pack, pack_into, unpack_from
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import (
    GF_ARG_1_AND_2_ARE_WORDS,
    GF_MORE_COMPONENTS,
    GF_WE_HAVE_A_SCALE,
    GF_WE_HAVE_A_TWO_BY_TWO,
    GF_WE_HAVE_AN_X_AND_Y_SCALE,
    TTFont,
    TTFontFile,
    TTFontMaker,
)

REGULAR, BOLD = "PTSans", "PTSans-Bold"
FONT_FILES = {REGULAR: "PT_Sans-Web-Regular.ttf", BOLD: "PT_Sans-Web-Bold.ttf"}

# What of a font's file stays as it is; see _without_hints.
COPIED = ("OS/2", "cmap", "hhea", "hmtx", "maxp", "post")
LONG_OFFSETS = pack(">h", 1)
HAS_INSTRUCTIONS = 1 << 8
SIZES_OF_SCALES = {GF_WE_HAVE_A_SCALE: 2, GF_WE_HAVE_AN_X_AND_Y_SCALE: 4, GF_WE_HAVE_A_TWO_BY_TWO: 8}
WINDOWS_ENGLISH, POSTSCRIPT_NAME = (3, 1, 0x409), 6


@cache
def register_fonts() -> frozenset[str]:
    """Puts PT Sans into reportlab's registry, once a process; answers the characters that it can show."""
    folder = resources.files("fontpkg_pt_sans") / "files"
    fonts = [
        TTFont(name, io.BytesIO(_without_hints((folder / file).read_bytes()))) for name, file in FONT_FILES.items()
    ]
    for font in fonts:
        pdfmetrics.registerFont(font)
    return frozenset.intersection(*(frozenset(map(chr, font.face.charToGlyph)) for font in fonts))


def printable(value: str) -> str:
    """Text from outside without control characters, and with a stand-in for each sign that the font lacks."""
    return "".join(map(_shown, unicodedata.normalize("NFC", value))).strip(" ")


@cache
def _shown(char: str) -> str:
    known, kind = register_fonts(), unicodedata.category(char)
    if char.isspace():
        return "\N{NO-BREAK SPACE}" if char in "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}" else " "
    if kind in ("Cc", "Cf"):
        return ""
    if char in known:
        return char
    plain = unicodedata.normalize("NFKC", char)
    if plain != char and known.issuperset(plain):
        return plain
    return {"Mn": "", "Me": "", "Pd": "-"}.get(kind, "?")


def _without_hints(font: bytes) -> bytes:
    """The same letters without the programs that fit them to the pixels of old screens, and with one name only.

    reportlab puts all that into every document: three quarters of its bytes, and of a mail's.
    """
    source: Any = TTFontFile(io.BytesIO(font))
    lean = TTFontMaker()
    glyphs = source.get_table("glyf")
    outlines = [_outline(glyphs[start:end]) for start, end in pairwise(source.glyphPos)]
    offsets = [0, *accumulate(map(len, outlines))]
    for tag in COPIED:
        lean.add(tag, source.get_table(tag))
    head = source.get_table("head")
    lean.add("head", head[:50] + LONG_OFFSETS + head[52:])
    lean.add("loca", pack(f">{len(offsets)}L", *offsets))
    lean.add("glyf", b"".join(outlines))
    lean.add("name", _only_name(source.name))
    return lean.makeStream()


def _outline(glyph: bytes) -> bytes:
    """Contours end to end, or the glyphs of which it is made: what follows them as instructions is left out."""
    if not glyph:
        return b""  # a blank
    contours = unpack_from(">h", glyph)[0]
    if contours < 0:
        return _padded(_parts(glyph))
    at = 10 + 2 * contours  # a header, the end of each contour; then how many bytes of instructions there are
    return _padded(glyph[:at] + b"\0\0" + glyph[at + 2 + unpack_from(">H", glyph, at)[0] :])


def _parts(glyph: bytes) -> bytes:
    """Header, then per part its flags, number, place and perhaps size; the flag of instructions is taken away."""
    parts, at, flags = bytearray(glyph), 10, GF_MORE_COMPONENTS
    while flags & GF_MORE_COMPONENTS:
        flags = unpack_from(">H", glyph, at)[0]
        pack_into(">H", parts, at, flags & ~HAS_INSTRUCTIONS)
        at += 8 if flags & GF_ARG_1_AND_2_ARE_WORDS else 6
        at += next((size for flag, size in SIZES_OF_SCALES.items() if flags & flag), 0)
    return bytes(parts[:at])


def _padded(outline: bytes) -> bytes:
    return outline + b"\0" * (-len(outline) % 4)


def _only_name(name: bytes) -> bytes:
    """A table of one name, the one that PostScript knows the font by."""
    spelled = name.decode("ascii").encode("utf-16-be")
    return pack(">9H", 0, 1, 18, *WINDOWS_ENGLISH, POSTSCRIPT_NAME, len(spelled), 0) + spelled
