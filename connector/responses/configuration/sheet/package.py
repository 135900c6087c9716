"""Judges an uploaded spreadsheet before a parser sees it: what its zip holds, and how much.

An .xlsx is a zip of XML. Only parts that are XML, in UTF-8, without a document type and of bounded
size are handed on, so that no bomb, no entity and no foreign encoding reaches the library that
reads them. Nothing is written to disk.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from connector.problems import Code, Place, Refusal
from schemas.phrases import phrase

KIB, MIB = 1024, 1024 * 1024
MAX_FILE = 4 * MIB
MAX_UNPACKED = 48 * MIB
MAX_PART = 16 * MIB
MAX_RATIO = 100
# Below this even the best packed file does no harm.
SMALL = 2 * MIB
MAX_ENTRIES = 1_000
# Tags cost far more than the bytes they are written in: 400,000 take a second or two to read.
MAX_TAGS = 400_000
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_READ = (".xml", ".rels")
_MACROS = re.compile(r"vbaproject|\.bin\Z|macrosheets|activex", re.IGNORECASE)
_PATH = re.compile(r"\A/|\\|(?:\A|/)\.\.(?:/|\Z)|\A[A-Za-z]:")
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_TOO_MUCH = phrase("a sheet of the file is larger than we read: keep only what we made")
_TYPES = {
    _OLD_EXCEL: phrase(
        "this is an old Excel file (.xls) or one with a password: save it as plain .xlsx"
    ),
    b"%PDF": phrase("this is a PDF: save it as .xlsx"),
}


def judged(raw: bytes) -> io.BytesIO:
    """A zip of the parts that may be parsed. Raises Refusal: BODY_TOO_LARGE, FILE_INVALID."""
    if len(raw) > MAX_FILE:
        raise Refusal(
            Code.BODY_TOO_LARGE, phrase("A spreadsheet may have %(mib)s MiB.", mib=MAX_FILE // MIB)
        )
    if not raw.startswith(_ZIP):
        wrong = next((text for sign, text in _TYPES.items() if raw.startswith(sign)), "")
        raise unreadable(
            wrong or phrase("this is no .xlsx file: save it as Excel workbook (.xlsx)")
        )
    safe = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed, zipfile.ZipFile(safe, "w") as kept:
            for entry in _entries(packed, len(raw)):
                kept.writestr(entry.filename, _as_read(entry.filename, _part(packed, entry)))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as exc:
        text = phrase("the file is damaged: save it again as Excel workbook (.xlsx)")
        raise unreadable(text) from exc
    return safe


def unreadable(text: str, where: str = "") -> Refusal:
    """The refusal of a file or of a part of it."""
    return Refusal(Code.FILE_INVALID, places=[Place("", "unreadable", text, where)])


def _entries(packed: zipfile.ZipFile, file_bytes: int) -> list[zipfile.ZipInfo]:
    """The entries that are XML, after all have been judged by what the zip says of them."""
    entries = packed.infolist()
    wrong = _wrong_of(entries, file_bytes)
    if wrong:
        raise unreadable(wrong)
    return [one for one in entries if one.filename.endswith(_READ)]


def _wrong_of(entries: list[zipfile.ZipInfo], file_bytes: int) -> str | None:
    unpacked = sum(one.file_size for one in entries)
    is_bomb = unpacked > SMALL and unpacked > MAX_RATIO * file_bytes
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED or is_bomb:
        return phrase("the file unpacks to more than we read: keep only the sheets we made")
    names = [one.filename for one in entries]
    if len(set(names)) != len(names) or any(_PATH.search(name) for name in names):
        return phrase("the file holds parts under names that no spreadsheet program gives")
    if any(_MACROS.search(name) for name in names):
        return phrase("the file holds macros or embedded programs: save it as .xlsx, without")
    if any(one.flag_bits & 1 for one in entries):
        return phrase("the file has a password: save it without")
    if any(one.compress_type not in _PACKINGS for one in entries):
        return phrase("the file is packed in a way that no spreadsheet program uses")
    return None


def _part(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The part's bytes; never more of them than the zip says."""
    raw = packed.read(entry) if entry.file_size <= MAX_PART else None
    wrong = _TOO_MUCH if raw is None else _wrong_in(raw)
    if raw is None or wrong:
        raise unreadable(wrong or _TOO_MUCH)
    return raw


def _as_read(name: str, raw: bytes) -> bytes:
    """The part, so that openpyxl reads what stands in it.

    It takes every x005F_ out of the texts that cells share (3.1.5, reader/strings.py, seen
    2026-11-29): what is left of this is what stood there.
    """
    is_shared = name.casefold().endswith("sharedstrings.xml")
    return raw.replace(b"x005F_", b"x005x005F_F_") if is_shared else raw


def _wrong_in(raw: bytes) -> str | None:
    encoding = _ENCODING.search(raw[:200])
    if (encoding and encoding.group(1).lower() not in {b"utf-8", b"utf8"}) or not _is_utf8(raw):
        return "the file is not in UTF-8, as spreadsheet programs write it"
    if _DOCTYPE.search(raw):
        return "the file declares a document type, as no spreadsheet program does"
    return _TOO_MUCH if raw.count(b"<") > MAX_TAGS else None


def _is_utf8(raw: bytes) -> bool:
    try:
        return "\0" not in raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
