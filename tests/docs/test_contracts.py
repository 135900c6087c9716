"""The import contracts name every module that they are about; a new one cannot slip past them."""

from __future__ import annotations

import ast
import configparser
from pathlib import Path

import pytest

from adapters.registry import ADAPTERS

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("connector", "adapters", "schemas")


def contract(name: str, option: str) -> set[str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return set(parser[f"importlinter:contract:{name}"][option].split())


def modules_that_call_themselves_pure() -> list[str]:
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if "Pure." in (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
    )


def is_held(module: str, named: set[str]) -> bool:
    return any(module == one or module.startswith(one + ".") for one in named)


@pytest.mark.parametrize("module", modules_that_call_themselves_pure())
def test_a_module_that_calls_itself_pure_is_held_to_it(module: str) -> None:
    assert is_held(module, contract("pure", "source_modules"))


def test_every_app_of_the_registry_is_kept_apart_from_the_others() -> None:
    adapters = {path.partition(":")[0] for path in ADAPTERS.values()}
    # Those without code have one adapter in common.
    assert contract("crms", "modules") == adapters | {"adapters.rest"}
