"""A hostile spreadsheet is refused in words, before it costs memory, time or a secret."""

from __future__ import annotations

import io
import random
import resource
import time
import zipfile
from collections.abc import Callable, Mapping

import pytest

from connector.problems import Code, Refusal
from connector.responses.configuration.sheet.choices import Book
from connector.responses.configuration.sheet.reading import read_sheet
from connector.responses.configuration.sheet.writing import write_sheet
from connector.settings import process_environ
from tests.unit.test_sheet import BODY, changed

MIB = 1024 * 1024
SETTINGS_XML, MAPPING_XML = "xl/worksheets/sheet2.xml", "xl/worksheets/sheet3.xml"
BOOK_XML = "xl/workbook.xml"
GROWS_KB, HANG_S = 150_000, 2.0
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
DOCTYPES = {
    "laughs": b'<!DOCTYPE x [<!ENTITY l0 "ha">' + LAUGHS + b"]>",
    "file": b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "remote": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
}


@pytest.fixture(scope="module")
def good() -> bytes:
    return write_sheet(Book(BODY, BODY["rows"]))


def parts(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        return {one.filename: packed.read(one) for one in packed.infolist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return raw.getvalue()


def with_part(raw: bytes, name: str, content: bytes) -> bytes:
    return packed({**parts(raw), name: content})


def with_text(raw: bytes, name: str, old: bytes, new: bytes) -> bytes:
    before = parts(raw)[name]
    assert old in before
    return with_part(raw, name, before.replace(old, new, 1))


def outcome(raw: bytes) -> str:
    """The code of its refusal, or that it was read; anything else that is raised is a bug."""
    began = time.process_time()
    try:
        read_sheet(raw)
    except Refusal as told:
        return told.code
    finally:
        assert time.process_time() - began < HANG_S
    return "read"


def refused(raw: bytes) -> str:
    """Why it is refused; it has cost neither time nor memory."""
    began, grown_from = time.process_time(), _peak_kb()
    with pytest.raises(Refusal) as told:
        read_sheet(raw)
    assert time.process_time() - began < HANG_S
    assert _peak_kb() - grown_from < GROWS_KB
    assert told.value.code in {Code.FILE_INVALID, Code.BODY_TOO_LARGE}
    return " ".join([told.value.detail, *(one.text for one in told.value.places)])


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a_good_file_is_read(good):
    assert read_sheet(packed(parts(good))).faults == ()


# --- more than it looks ---------------------------------------------------------------------------


def test_a_bomb_is_not_unpacked(good):
    bomb = with_part(good, MAPPING_XML, b" " * (200 * MIB))
    assert len(bomb) < MIB
    assert "unpacks to more" in refused(bomb)


def test_a_small_bomb_is_known_by_its_ratio(good):
    bomb = with_part(good, "xl/media/x.xml", b" " * (15 * MIB))
    assert len(bomb) * 100 < 15 * MIB
    assert "unpacks to more" in refused(bomb)


def test_a_bomb_that_lies_about_its_size_is_damaged(good):
    bomb = with_part(good, "xl/a.xml", b" " * (20 * MIB))
    size = (20 * MIB).to_bytes(4, "little")
    assert bomb.count(size) == 2
    assert "damaged" in refused(bomb.replace(size, (1_000).to_bytes(4, "little")))


def test_many_entries_are_refused(good):
    many = {f"xl/{n}.png": b"" for n in range(1_001)}
    assert "unpacks to more" in refused(packed({**parts(good), **many}))


def test_more_cells_than_are_read_are_refused(good):
    noise = random.Random(1).randbytes(300_000).hex().encode()
    cells = b"<c/>" * 400_001
    sheet = b"<worksheet><!--" + noise + b"--><sheetData><row>" + cells + b"</row></sheetData>"
    assert "larger than we read" in refused(with_part(good, MAPPING_XML, sheet + b"</worksheet>"))


def test_a_file_beyond_the_limit_is_too_large():
    assert "4 MiB" in refused(b"PK\x03\x04" + bytes(4 * MIB))


@pytest.mark.parametrize("row", [b"1048577", b"999999999999", b"-5", b"1e9", b"x"])
def test_a_row_at_the_end_of_the_world_is_no_journey_there(good, row):
    raw = with_text(good, MAPPING_XML, b'<row r="2">', b'<row r="' + row + b'">')
    assert outcome(raw) in {"read", Code.FILE_INVALID}


# --- more than cells ------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [BOOK_XML, MAPPING_XML, "[Content_Types].xml", "_rels/.rels"])
@pytest.mark.parametrize("kind", DOCTYPES)
def test_entities_are_never_looked_at(good, part, kind):
    content = parts(good)[part]
    head, sign, rest = (
        content.partition(b"?>") if content.startswith(b"<?") else (b"", b"", content)
    )
    assert "document type" in refused(with_part(good, part, head + sign + DOCTYPES[kind] + rest))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp037", "utf-7"])
def test_a_foreign_encoding_hides_nothing(good, encoding):
    told = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = told + DOCTYPES["file"].decode() + "<x>&x;</x>"
    assert "UTF-8" in refused(with_part(good, MAPPING_XML, text.encode(encoding)))


@pytest.mark.parametrize(
    "name", ["../evil.xml", "/etc/x.xml", "C:/x.xml", "xl\\..\\x.xml", "a/../b"]
)
def test_a_path_in_the_zip_is_refused(good, name):
    # zipfile mends such names when it writes: they are put in afterwards.
    stand_in = "x" * len(name)
    raw = with_part(good, stand_in, b"<x/>").replace(stand_in.encode(), name.encode())
    assert "names" in refused(raw)


def test_two_parts_of_one_name_are_refused(good):
    raw = with_part(good, "xl/worksheets/sheetX.xml", b"<x/>").replace(b"sheetX.xml", b"sheet3.xml")
    assert "names" in refused(raw)


@pytest.mark.parametrize(
    "name", ["xl/vbaProject.bin", "xl/embeddings/oleObject1.bin", "xl/activeX/a.xml"]
)
def test_macros_and_embedded_programs_are_refused(good, name):
    assert "macros" in refused(with_part(good, name, b"x"))


def test_an_encrypted_part_is_refused(good):
    raw = bytearray(good)
    at = raw.index(b"PK\x01\x02")
    raw[at + 8] |= 1
    assert "password" in refused(bytes(raw))


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_whose_cost_is_not_known_is_refused(good, packing):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", packing) as made:
        for name, content in parts(good).items():
            made.writestr(name, content)
    assert "packed in a way" in refused(raw.getvalue())


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ".xls"),
        (b"%PDF-1.7", "PDF"),
        (b"<html>", ".xlsx"),
        (b"name;field\n", ".xlsx"),
        (b"", ".xlsx"),
        (b"PK\x03\x04", "damaged"),
        (packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "workbook"),
        (packed({"[Content_Types].xml": b"<Types/>"}), "workbook"),
    ],
    ids=["xls", "pdf", "html", "csv", "empty", "cut", "ods", "nothing"],
)
def test_another_kind_of_file_is_told_as_what_it_is(raw, said):
    assert said in refused(raw)


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        (MAPPING_XML, b"</sheetData>", b""),
        (MAPPING_XML, b't="inlineStr"', b't="s"'),
        (MAPPING_XML, b'r="A1"', b'r="QQQQQQ1"'),
        (MAPPING_XML, b'r="A1"', b'r="1A"'),
        (BOOK_XML, b'r:id="rId3"', b'r:id="rId99"'),
        (BOOK_XML, b"<sheets>", b"<sheets/><sheets>"),
        ("xl/styles.xml", b"<cellXfs", b"<cellXfs2"),
    ],
)
def test_a_broken_part_is_refused_and_nothing_breaks(good, part, old, new):
    assert outcome(with_text(good, part, old, new)) in {"read", Code.FILE_INVALID}


@pytest.mark.parametrize("name", ["Settings", "Mapping"])
def test_a_file_without_our_sheets_is_told_which_one_it_lacks(good, name):
    raw = with_text(good, BOOK_XML, f'name="{name}"'.encode(), b'name="Sheet9"')
    assert f"no sheet {name}" in refused(raw)


def test_a_formula_is_not_calculated_and_its_stored_value_not_believed():
    (fault,) = changed(Settings_B4='=WEBSERVICE("http://127.0.0.1:1/")').faults
    assert (fault.where, fault.pointer) == ("Settings!B4", "/entity")


def test_a_link_to_another_file_is_not_followed(good):
    link = b'<Relationship Id="rId77" TargetMode="External" Target="file:///etc/passwd" Type="x"/>'
    raw = with_text(
        good, "xl/_rels/workbook.xml.rels", b"</Relationships>", link + b"</Relationships>"
    )
    assert read_sheet(raw).faults == ()


# --- by chance ------------------------------------------------------------------------------------


def _flip(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 3, 20))):
        changed[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(changed)


def _flip_inside(raw: bytes, chance: random.Random) -> bytes:
    every = parts(raw)
    name = chance.choice([*every, MAPPING_XML, SETTINGS_XML, BOOK_XML])
    return packed({**every, name: _flip(every[name], chance)})


def _cut_inside(raw: bytes, chance: random.Random) -> bytes:
    every = parts(raw)
    name = chance.choice([*every, MAPPING_XML, SETTINGS_XML, BOOK_XML])
    content = every[name]
    start, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    moved = content[:start] + content[end:] + chance.choice((b"", content[start:end]))
    return packed({**every, name: moved})


@pytest.mark.parametrize("change", [_flip, _flip_inside, _cut_inside])
def test_whatever_is_done_to_a_file_it_is_read_or_refused(good, change: Callable[..., bytes]):
    seed = int(process_environ().get("FUZZ_SEED") or random.SystemRandom().randrange(2**32))
    print(f"\nFUZZ_SEED={seed}")
    chance = random.Random(seed)
    for _ in range(40):
        assert outcome(change(good, chance)) in {"read", Code.FILE_INVALID}
