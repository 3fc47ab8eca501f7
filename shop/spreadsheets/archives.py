"""Zip archives, which workbooks are, with limits on what comes out of them."""

import io
import struct
import zipfile
import zlib
from typing import BinaryIO

from shop.spreadsheets.errors import SheetTooLargeError, UnreadableSheetError

MIB = 2**20
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
CHUNK = 2**18
LOCAL_HEADER = struct.Struct("<26xHH")
MOST_MEMBERS = 1000

# Lists of any kind shrink to a tenth, of very equal rows to a thirtieth. What unpacks to more was made to.
MOST_TIMES_PACKED = 100
ALWAYS_FINE = MIB // 2


def is_zip(head: bytes) -> bool:
    return head.startswith(ZIP)


def check_unpacked(size: int, *, packed: int, most: int) -> None:
    """`size` of what came out so far, of `packed` bytes."""
    if size > most:
        raise SheetTooLargeError("too_large_unpacked", mib=most // MIB)
    if size > max(packed * MOST_TIMES_PACKED, ALWAYS_FINE):
        raise SheetTooLargeError("packed_too_tightly", times=MOST_TIMES_PACKED)


def open_archive(file: BinaryIO, *, unpacked: int) -> zipfile.ZipFile:
    """Unpacks every member once, counting: the sizes that an archive states are claims of whoever made it.

    Each is measured by itself: a picture beside a sheet does not make it honest.
    """
    try:
        archive = zipfile.ZipFile(file)
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise UnreadableSheetError("workbook_parts")
        size = 0
        for member in members:
            size += _size(file, member, most=unpacked - size)
    except UnreadableSheetError:
        raise
    except (zipfile.BadZipFile, zlib.error, OSError, struct.error, NotImplementedError, ValueError):
        raise UnreadableSheetError("workbook_damaged") from None
    return archive


def _size(file: BinaryIO, member: zipfile.ZipInfo, *, most: int) -> int:
    if member.flag_bits & 1:
        raise UnreadableSheetError("workbook_locked")
    if member.compress_type == zipfile.ZIP_STORED:
        size = max(member.file_size, member.compress_size)
        check_unpacked(size, packed=size, most=most)
        return size
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile
    file.seek(member.header_offset)
    name, extra = LOCAL_HEADER.unpack(file.read(30))
    file.seek(name + extra, io.SEEK_CUR)
    return _inflated_size(file, most)


def _inflated_size(file: BinaryIO, most: int) -> int:
    """Until the stream says that it ends, whatever the directory says of its length."""
    inflater, packed, size = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0
    while not inflater.eof:
        chunk = inflater.unconsumed_tail or file.read(CHUNK)
        if not chunk:
            raise zipfile.BadZipFile
        size += len(inflater.decompress(chunk, CHUNK * 4))
        packed += len(chunk) - len(inflater.unconsumed_tail) - len(inflater.unused_data)
        check_unpacked(size, packed=packed, most=most)
    return size
