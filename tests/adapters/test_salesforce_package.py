"""The deployable package is what provisioning makes: one definition, two ways in."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from adapters.provisioning import Part, State, Wanted
from adapters.salesforce import package
from adapters.salesforce.definition import PERMISSION_SET
from simulators.kit.server import running
from simulators.salesforce import Salesforce as Simulated
from tests.adapters.salesforce_org import Org, bench_of

FOLDER = Path(__file__).parents[2] / "crm-packages" / "salesforce"
SPACE = "{http://soap.sforce.com/2006/04/metadata}"
XML = sorted(FOLDER.rglob("*.xml"))


def test_the_package_in_the_repository_is_the_one_that_is_written() -> None:
    held = {
        str(one.relative_to(FOLDER)): one.read_text(encoding="utf-8")
        for one in FOLDER.rglob("*")
        if one.is_file() and one.name != "README.md"
    }
    assert held == dict(package.files())


@pytest.mark.parametrize("path", XML, ids=[one.name for one in XML])
def test_every_file_is_xml_of_the_metadata_api(path: Path) -> None:
    root = ET.parse(path).getroot()  # noqa: S314 - our own file
    assert root.tag.startswith(SPACE)
    kind = path.name.removesuffix("-meta.xml").rpartition(".")[2]
    kinds = {"field": "CustomField", "object": "CustomObject", "listView": "ListView",
             "layout": "Layout", "permissionset": "PermissionSet"}  # fmt: skip
    assert root.tag == SPACE + kinds[kind]


def test_provisioning_makes_the_fields_of_the_package_and_no_others() -> None:
    with running(Simulated(options={"package_installed": False})) as base_url:
        org = Org(base_url)
        org.bench = bench_of(org)
        plan = org.make().furnish(Wanted(package.NO_SEND), frozenset(Part))
    made = {one.name for one in plan.things if one.kind == "field" and one.state is State.EXISTS}
    held = {
        f"{one.parents[1].name}.{one.name.removesuffix('.field-meta.xml')}"
        for one in FOLDER.rglob("*.field-meta.xml")
    }
    assert made == held


def test_the_permission_set_shows_every_field_of_the_package() -> None:
    path = FOLDER / package.ROOT / "permissionsets" / f"{PERMISSION_SET}.permissionset-meta.xml"
    root = ET.parse(path).getroot()  # noqa: S314 - our own file
    shown = {one.findtext(f"{SPACE}field") for one in root.iter(f"{SPACE}fieldPermissions")}
    assert len(shown) == len(list(FOLDER.rglob("*.field-meta.xml")))
