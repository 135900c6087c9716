"""What a file is, by its own bytes: the name and the header it came with prove nothing. Pure."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping

_MOST_NAME = 120
_OFFICE = "application/vnd.openxmlformats-officedocument."
# (offset, bytes) -> type. The first that fits counts.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
)
_PARTS: Mapping[str, str] = {
    "word/": _OFFICE + "wordprocessingml.document",
    "xl/": _OFFICE + "spreadsheetml.sheet",
    "ppt/": _OFFICE + "presentationml.presentation",
}
_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/heic": (".heic", ".heif"),
    "image/tiff": (".tiff", ".tif"),
    "application/pdf": (".pdf",),
    "text/plain": (".txt", ".csv", ".md", ".log"),
    "audio/wav": (".wav",),
    "audio/mp4": (".m4a",),
    "audio/ogg": (".ogg",),
    "audio/mpeg": (".mp3",),
    "video/mp4": (".mp4",),
    "video/quicktime": (".mov",),
    "video/webm": (".webm",),
    _OFFICE + "wordprocessingml.document": (".docx",),
    _OFFICE + "spreadsheetml.sheet": (".xlsx",),
    _OFFICE + "presentationml.presentation": (".pptx",),
}
# What a text must not begin with: a browser or a CRM could take it for a page or a drawing.
_MARKUP = re.compile(rb"\s*<[!?a-zA-Z/]")
_ENTRIES = 10_000


def type_of(content: bytes) -> str | None:
    """The MIME type that the bytes themselves prove; None where they prove none that we know."""
    for offset, magic, kind in _MAGIC:
        if content.startswith(magic, offset):
            return kind
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    return "text/plain" if _is_text(content) else None


def ending_of(content_type: str) -> str:
    """The usual ending of a file of this type, with its dot; empty for an unknown one."""
    return _ENDINGS.get(content_type, ("",))[0]


def shown_name(name: str | None, content_type: str, *, otherwise: str) -> str:
    """A file name that people read and no system stumbles over, with an ending that is true.

    Folders, control signs and signs that turn the direction of writing are left out.
    """
    last = re.split(r"[/\\]", name or "")[-1]
    clean = "".join(sign for sign in last if unicodedata.category(sign) not in _UNSEEN)
    clean = re.sub(r'[<>:"|?*]', "_", clean).strip(" .") or otherwise
    endings = _ENDINGS.get(content_type, ("",))
    if clean.lower().endswith(endings) and endings[0]:
        stem, dot, ending = clean.rpartition(".")
        return f"{stem[:_MOST_NAME] or otherwise}{dot}{ending}"
    return clean[:_MOST_NAME] + endings[0]


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _office(content: bytes) -> str | None:
    """An Office document by the names in its table of contents; nothing is unpacked. One with
    macros is none of ours.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return None
    if len(names) > _ENTRIES or "[Content_Types].xml" not in names:
        return None
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        return None
    return next(
        (kind for part, kind in _PARTS.items() if any(one.startswith(part) for one in names)), None
    )


def _is_text(content: bytes) -> bool:
    if not content or _MARKUP.match(content):
        return False
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(sign) == "Cc" and sign not in "\t\r\n\f" for sign in text)
