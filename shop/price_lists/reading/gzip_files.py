"""Files packed by gzip, around any format, with limits on what comes out of them."""

import gzip
import io
import tempfile
import zlib
from typing import BinaryIO

from shop.price_lists.reading.parsed import MIB, Limits, UnreadablePriceList
from shop.spreadsheets.archives import check_unpacked

GZIP = b"\x1f\x8b"
CHUNK = 2**18


class _Unpacked(tempfile.SpooledTemporaryFile[bytes]):
    """Closed with the last of its readers, who outlive us."""

    def __del__(self) -> None:
        self.close()


def unpacked(file: BinaryIO, limits: Limits) -> BinaryIO:
    """The file itself, or what a gzip file holds; at its beginning."""
    packed_size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(2) != GZIP:
        file.seek(0)
        return file
    file.seek(0)
    plain = _Unpacked(max_size=8 * MIB)
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as packed:
            while chunk := packed.read(CHUNK):
                plain.write(chunk)
                check_unpacked(plain.tell(), packed=packed_size, most=limits.unpacked)
    except (OSError, EOFError, zlib.error):
        raise UnreadablePriceList("gzip_damaged") from None
    plain.seek(0)
    if plain.read(2) == GZIP:
        raise UnreadablePriceList("packed_twice")
    plain.seek(0)
    return plain  # type: ignore[return-value]  # it is a file in all but its class
