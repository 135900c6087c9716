"""The documentation names what the product has, and its samples are true.

Other pages are held by tests beside their subject: settings (test_settings_documented), the routes'
table and the CLI's (tests/api), transformations and expressions (tests/unit), keys and reasons of
connections (tests/connections). Here stands what no single subject owns.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from adapters import matrix
from adapters.registry import apps, traits_of
from adapters.traits import OAuthTraits, RatePolicy, SettingField, TagTraits, Traits
from connector.access import ACCESS
from connector.cli import main
from connector.problems import Code
from connector.tables.deliveries import STATES
from schemas.config import MappingSchema
from schemas.response import ResponseSchema, normalised
from tests.docs import stable_words
from tests.docs.test_promises import tracked

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
# What a reader reaches by links alone; decisions are read one by one.
READ = [page for page in PAGES if page.parent.name != "adr"]


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def everything() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def quoted_in(*names: str) -> set[str]:
    return {word for name in names for word in re.findall(r"`([^`\n]+)`", text_of(name))}


# --- errors ---------------------------------------------------------------------------------------


def test_every_error_of_the_code_is_explained() -> None:
    known = stable_words.in_tables() | stable_words.in_source()
    assert sorted(known - quoted_in("errors.md", "connections.md")) == []


def test_every_refusal_of_the_api_says_who_can_mend_it() -> None:
    part = text_of("errors.md").split("## Refusals of the API")[1].split("\n## ")[0]
    assert {code.value for code in Code} <= set(re.findall(r"`(\w+)`", part))


def test_no_explained_error_is_one_that_nobody_raises() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", text_of("errors.md"), re.MULTILINE)
    explained = {word for row in rows for word in re.findall(r"`(\w+)`", row)}
    assert len(explained) > 100
    assert sorted(explained - stable_words.every_text()) == []


def test_every_reason_a_delivery_can_have_is_explained() -> None:
    part = text_of("errors.md").split("## Reasons of a delivery")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (parked|dead|superseded) \| `(\w+)` \|", part, re.MULTILINE)
    source = (ROOT / "connector").rglob("*.py")
    sql = "\n".join(path.read_text(encoding="utf-8") for path in source)
    assert {"auth", "crypto", "breaker", "rate", "provision"} <= {reason for _, reason in rows}
    assert [reason for _, reason in rows if not re.search(rf"['\"]{reason}['\"]", sql)] == []


def test_the_collector_finds_words_of_every_form() -> None:
    # keyword, assignment of two, positional, table, verdict: one of each, so that it cannot rot.
    found = stable_words.in_tables() | stable_words.in_source()
    assert {"tls_failed", "not_whole", "unknown_entity", "invalid_grant", "no_match"} <= found


# --- apps -----------------------------------------------------------------------------------------


def test_the_matrix_is_that_of_the_adapters() -> None:
    assert text_of("crm-matrix.md") == matrix.page()


@pytest.mark.parametrize("kind", [Traits, TagTraits, OAuthTraits, RatePolicy, SettingField])
def test_every_trait_is_explained_to_whoever_adds_a_crm(kind: Any) -> None:
    assert {one.name for one in fields(kind)} - quoted_in("adding-a-crm.md") == set()


@pytest.mark.parametrize("app", apps())
def test_every_crm_has_its_page_and_is_linked(app: str) -> None:
    assert (DOCS / "apps" / f"{app}.md").is_file()
    assert f"(apps/{app}.md)" in text_of("index.md")
    assert traits_of(app).label in text_of("index.md")


# --- ways in --------------------------------------------------------------------------------------


def test_every_route_is_documented() -> None:
    # access.md writes a converter's name in braces.
    wanted = {(method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)) for method, rule in ACCESS}
    rows = re.findall(r"^\| ([A-Z]+) \| `([^`]+)` \|", text_of("access.md"), re.MULTILINE)
    assert wanted - set(rows) == set()


def test_every_command_is_documented() -> None:
    commands = list(_commands(main, "answerback"))
    assert len(commands) > 15
    assert [one for one in commands if one not in text_of("cli.md")] == []


def _commands(group: click.Group, name: str) -> Any:
    for inner, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{name} {inner}")
        else:
            yield f"{name} {inner}"


# --- the story ------------------------------------------------------------------------------------


def test_the_architecture_names_every_file_of_story_1() -> None:
    folder = ROOT / "connector" / "responses"
    files = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    packages = {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    assert (files | packages) - quoted_in("architecture.md") == set()


def test_the_architecture_names_no_file_that_is_gone() -> None:
    told = text_of("architecture.md").split("## Story 1")[1].split("## Story 2")[0]
    rows = re.findall(r"^\| (`[a-z_`., /]+) \|", told, re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`([a-z_]+(?:\.py|/))`", row)}
    assert len(named) > 30
    assert [one for one in named if not (ROOT / "connector" / "responses" / one).exists()] == []


def test_every_state_of_a_delivery_is_told() -> None:
    told = text_of("architecture.md").split("### The states of a delivery")[1].split("\n### ")[0]
    assert [state for state in STATES if state not in told] == []


def test_every_guarantee_of_the_readme_is_explained() -> None:
    readme = set(re.findall(r"^\| (G\d+) ", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    explained = set(re.findall(r"^\*\*(G\d+) ", text_of("guarantees.md"), re.MULTILINE))
    assert len(readme) >= 14
    assert readme <= explained == {f"G{number}" for number in range(1, 16)}


# --- samples --------------------------------------------------------------------------------------


def samples(pattern: str) -> list[Any]:
    return re.findall(pattern, text_of("getting-started.md"), re.DOTALL)


def test_the_first_mapping_is_one_that_is_accepted() -> None:
    (text,) = samples(r"<<'YAML'\n(.*?)\nYAML")
    assert MappingSchema().load(yaml.safe_load(text))["connection"] == "hubspot-main"


def test_the_first_responses_are_ones_that_are_accepted() -> None:
    texts, schema = samples(r"-d '\n(\{\"response_id.*?)'"), ResponseSchema()
    pushed = [normalised(json.loads(text), schema=schema) for text in texts]
    assert [one["answers"]["nps"]["value"] for one in pushed] == [7, 9]


def test_the_first_commands_exist() -> None:
    known = list(_commands(main, "answerback"))
    used = samples(r"(?:\n|\$\()(answerback [a-z-][^\n|]+)")
    assert len(used) >= 6
    plain = [line.replace("--json ", "") for line in used]
    assert [line for line in plain if not line.startswith(tuple(known))] == []


# --- links, and what no page names ----------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The places in a page that a link can lead to, as the usual renderers name them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", title)).lower() for title in titles]
    return {title.strip().replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_to_a_place_in_a_page_finds_it(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
    missing = [
        (target, place)
        for target, place in links
        if place not in anchors((page.parent / target) if target else page)
    ]
    assert missing == []


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_every_page_can_be_reached_from_the_index(page: Path) -> None:
    index = DOCS / "index.md"
    reached, waiting = set[Path](), [index]
    while waiting:
        one = waiting.pop()
        if one in reached or one.suffix != ".md" or not one.is_file():
            continue
        reached.add(one)
        targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", one.read_text(encoding="utf-8"))
        waiting += [(one.parent / target).resolve() for target in targets]
    assert page in reached


# In pieces, so that this file does not name them itself.
REGISTRIES = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.", "proxy.golang" + ".org")
OF_A_MACHINE = re.compile(r"(?<![\w.])/(?:home|Users|work|root|tmp)/\w+")


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: page.name)
def test_no_page_names_a_registry_or_a_path_of_a_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [host for host in REGISTRIES if host in text] == []
    assert OF_A_MACHINE.findall(text) == []
