"""What a file is, by its own bytes, and what it is called."""

from __future__ import annotations

import io
import zipfile

import pytest

from connector.responses.filefacts import verdict_on
from connector.responses.sniffing import ending_of, shown_name, type_of

OFFICE = "application/vnd.openxmlformats-officedocument."


def archive(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic....", "image/heic"),
        (b"\x00\x00\x00\x18ftypisom....", "video/mp4"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"OggS....", "audio/ogg"),
        ("Navn;Score\nSøren;9\n".encode(), "text/plain"),
        (archive("[Content_Types].xml", "word/document.xml"), f"{OFFICE}wordprocessingml.document"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), f"{OFFICE}spreadsheetml.sheet"),
    ],
)
def test_a_known_file_is_told_by_its_bytes(content: bytes, kind: str) -> None:
    assert type_of(content) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\x00",
        b"\x7fELF\x02",
        b"<html><script>alert(1)</script>",
        b"  <!DOCTYPE html>",
        b"<?xml version='1.0'?><svg onload='x'/>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"text with \x00 in it",
        b"\xff\xfe\x00\x01 no utf-8",
        b"PK\x03\x04 broken",
        archive("a.txt"),
        archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
    ],
)
def test_what_could_do_harm_or_is_unknown_is_of_no_type(content: bytes) -> None:
    assert type_of(content) is None


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("photo.jpg", "image/jpeg", "photo.jpg"),
        ("photo.JPEG", "image/jpeg", "photo.JPEG"),
        ("invoice.exe", "application/pdf", "invoice.exe.pdf"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\temp\\a.png", "image/png", "a.png"),
        ("gpj.\u202eexe", "image/png", "gpj.exe.png"),
        ("a\r\nb.png", "image/png", "ab.png"),
        ("", "image/png", "sign.png"),
        (None, "image/png", "sign.png"),
        ("...", "image/png", "sign.png"),
        ("Møde 3.pdf", "application/pdf", "Møde 3.pdf"),
    ],
)
def test_a_name_is_safe_and_its_ending_true(name: str | None, kind: str, shown: str) -> None:
    assert shown_name(name, kind, otherwise="sign") == shown


def test_a_long_name_is_cut_and_keeps_its_ending() -> None:
    assert len(shown_name("x" * 500 + ".png", "image/png", otherwise="f")) < 130
    assert shown_name("x" * 500 + ".png", "image/png", otherwise="f").endswith(".png")


def test_an_unknown_type_has_no_ending() -> None:
    assert ending_of("application/unknown") == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "file_too_large"),
        (b"", "file_empty"),
        (b"GIF89a", "file_type_refused"),
        (b"<svg/>", "file_type_refused"),
    ],
)
def test_a_content_is_refused_by_its_reason(content: bytes, reason: str) -> None:
    verdict = verdict_on(content, types={"image/png"}, max_bytes=50)
    assert (verdict.content_type, verdict.reason) == (None, reason)
