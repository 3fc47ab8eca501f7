"""Packed files, with limits on what comes out of them: gzip around any format, and zip, which XLSX is."""

import gzip
import io
import struct
import tempfile
import zipfile
import zlib
from typing import BinaryIO

from shop.catalog.price_lists.formats.parsed import MIB, Limits, UnreadablePriceList

GZIP = b"\x1f\x8b"
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
CHUNK = 2**18
LOCAL_HEADER = struct.Struct("<26xHH")
MOST_MEMBERS = 1000


class _Unpacked(tempfile.SpooledTemporaryFile[bytes]):
    """Closed with the last of its readers, who outlive us."""

    def __del__(self) -> None:
        self.close()


def is_zip(head: bytes) -> bool:
    return head.startswith(ZIP)


def unpacked(file: BinaryIO, limits: Limits) -> BinaryIO:
    """The file itself, or what a gzip file holds; at its beginning."""
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
                if plain.tell() > limits.unpacked:
                    raise _too_large(limits)
    except (OSError, EOFError, zlib.error):
        raise UnreadablePriceList("gzip_damaged") from None
    plain.seek(0)
    if plain.read(2) == GZIP:
        raise UnreadablePriceList("packed_twice")
    plain.seek(0)
    return plain  # type: ignore[return-value]  # it is a file in all but its class


def check_zip(file: BinaryIO, limits: Limits) -> zipfile.ZipFile:
    """Unpacks every member once, counting: the sizes that an archive states are claims of whoever made it."""
    try:
        archive = zipfile.ZipFile(file)
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise UnreadablePriceList("workbook_parts")
        left = limits.unpacked
        for member in members:
            left -= _size(file, member, left)
            if left < 0:
                raise _too_large(limits)
    except (zipfile.BadZipFile, zlib.error, OSError, struct.error, NotImplementedError, ValueError):
        raise UnreadablePriceList("workbook_damaged") from None
    return archive


def _size(file: BinaryIO, member: zipfile.ZipInfo, most: int) -> int:
    if member.flag_bits & 1:
        raise UnreadablePriceList("workbook_locked")
    if member.compress_type == zipfile.ZIP_STORED:
        return max(member.file_size, member.compress_size)
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile
    file.seek(member.header_offset)
    name, extra = LOCAL_HEADER.unpack(file.read(30))
    file.seek(name + extra, io.SEEK_CUR)
    return _inflated_size(file, most)


def _inflated_size(file: BinaryIO, most: int) -> int:
    """Until the stream says that it ends, whatever the directory says of its length."""
    inflater, size, chunk = zlib.decompressobj(-zlib.MAX_WBITS), 0, b""
    while not inflater.eof and size <= most:
        chunk = inflater.unconsumed_tail or file.read(CHUNK)
        if not chunk:
            raise zipfile.BadZipFile
        size += len(inflater.decompress(chunk, CHUNK * 4))
    return size


def _too_large(limits: Limits) -> UnreadablePriceList:
    return UnreadablePriceList("too_large_unpacked", mib=limits.unpacked // MIB)
