"""The deployable package is what provisioning makes: one definition, two ways in."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from adapters.provisioning import Part, State, Wanted
from adapters.salesforce import package
from adapters.salesforce.definition import PERMISSION_SET, record_fields
from adapters.salesforce.traits import RECORD_ENTITY
from simulators.kit.server import running
from simulators.salesforce import Salesforce as Simulated
from tests.adapters.salesforce_org import Org, bench_of

FOLDER = Path(__file__).parents[2] / "crm-packages" / "salesforce"
SPACE = "{http://soap.sforce.com/2006/04/metadata}"
BY_HAND = {
    f"{package.COMPONENT}/{name}"
    for name in (
        "npstodayAnswers.html", "npstodayAnswers.js", "npstodayAnswers.js-meta.xml", "records.js",
    )
}  # fmt: skip
XML = sorted(FOLDER.rglob("*.xml"))


def test_the_package_in_the_repository_is_the_one_that_is_written() -> None:
    held = {
        str(one.relative_to(FOLDER)): one.read_text(encoding="utf-8")
        for one in FOLDER.rglob("*")
        if one.is_file() and one.name != "README.md"
    }
    own = {name: told for name, told in held.items() if name not in BY_HAND}
    assert own == dict(package.files())
    assert held.keys() - own.keys() == BY_HAND


@pytest.mark.parametrize("path", XML, ids=[one.name for one in XML])
def test_every_file_is_xml_of_the_metadata_api(path: Path) -> None:
    root = ET.parse(path).getroot()  # noqa: S314 - our own file
    assert root.tag.startswith(SPACE)
    kind = path.name.removesuffix("-meta.xml").rpartition(".")[2]
    kinds = {"field": "CustomField", "object": "CustomObject", "listView": "ListView",
             "layout": "Layout", "permissionset": "PermissionSet",
             "js": "LightningComponentBundle"}  # fmt: skip
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


def test_the_component_reads_fields_and_a_list_that_the_package_has() -> None:
    told = (FOLDER / package.COMPONENT / "records.js").read_text(encoding="utf-8")
    named = set(re.findall(r'"(\w+__c)"', told)) - {RECORD_ENTITY}
    assert len(named) == 5
    assert named <= {one.name for one in record_fields()}
    contact = next(one for one in record_fields() if one.name == "Contact__c")
    assert f'"{contact.metadata["relationshipName"]}__r"' in told


def test_the_component_makes_a_card_of_records_whatever_their_order() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here to run the component's own functions")
    told = (FOLDER / package.COMPONENT / "records.js").read_text(encoding="utf-8")
    script = f"""{told}
      const record = (score, at, comment) => ({{fields: {{
        Score__c: {{value: score}}, Responded_At__c: {{value: at}}, Comment__c: {{value: comment}},
        Campaign__c: {{value: "Møde"}}, Link__c: {{value: "https://forms.example/" + score}} }} }});
      const records = [record(7, "2026-11-20T01:00:00Z", "Late."),
                       record(9, "2026-11-22T01:00:00Z", null),
                       record(null, "2026-11-21T01:00:00Z", "Odd.")];
      console.log(JSON.stringify([cardOf(records), cardOf([])]));
    """
    done = subprocess.run(
        [node, "--input-type=module", "-e", script],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    card, empty = json.loads(done.stdout)
    assert (card["score"], card["direction"], card["link"]) == (9, "up", "https://forms.example/9")
    assert [one["score"] for one in card["trend"]] == [7, 9]
    assert card["comment"]["text"] == "Odd."
    assert (empty["trend"], empty["comment"], empty["link"]) == ([], None, None)
