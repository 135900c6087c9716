"""What a CRM's admin installs: whole, for this card's address, and saying what the hub said."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from adapters.registry import ADAPTERS, traits_of
from connector.cli import main
from connector.cli.cards import write_package
from connector.engines import engine_environ
from tests.conftest import KEKS

CARDS = sorted(app for app in ADAPTERS if traits_of(app).card)
URL = "https://answers.acme.test:8443/cards/{app}/the-token"
CARD = {
    "contact": 17, "score": 9, "score_class": "promoter", "direction": "up",
    "trend": [{"score": 7, "answered_at": "2026-11-20T01:00:00+00:00", "campaign": "Møde"},
              {"score": 9, "answered_at": "2026-11-22T23:30:00+00:00", "campaign": "Møde"}],
    "comment": {"text": "Fint", "answered_at": "2026-11-22T23:30:00+00:00"},
    "link": "https://forms.example/r2",
}  # fmt: skip
EMPTY = {**CARD, "score": None, "direction": None, "trend": [], "comment": None, "link": None}


@pytest.fixture(params=CARDS)
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    write_package(request.param, URL.format(app=request.param), tmp_path)
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {
        str(one.relative_to(folder)): one.read_text(encoding="utf-8")
        for one in folder.rglob("*")
        if one.is_file() and one.suffix != ".png"
    }


def test_every_configuration_is_json_and_nothing_of_the_example_is_left(package: Path) -> None:
    files = texts(package)
    parsed = [json.loads(told) for name, told in files.items() if name.endswith(".json")]
    assert len(parsed) >= 2
    code = "\n".join(told for name, told in files.items() if not name.endswith(".md"))
    assert "hub.example" not in code
    assert "answers.acme.test" in code
    assert '/the-token"' in code


def test_every_file_that_is_imported_or_named_is_there(package: Path) -> None:
    for name, told in texts(package).items():
        here = (package / name).parent
        imported = re.findall(r'from "(\./[^"]+)"', told) + re.findall(
            r'(?:src|href)="(?!https:)([^"]+)"', told
        )
        assert [one for one in imported if not (here / one).is_file()] == [], name


def test_nothing_writes_markup_or_holds_a_secret(package: Path) -> None:
    told = "\n".join(texts(package).values())
    assert (
        re.findall(r"innerHTML|insertAdjacentHTML|dangerouslySet|document\.write|eval\(", told)
        == []
    )
    assert "whsec" not in told


def test_hubspot_s_project_names_its_card_and_may_fetch_from_the_hub_alone(tmp_path: Path) -> None:
    write_package("hubspot", URL.format(app="hubspot"), tmp_path)
    project = json.loads((tmp_path / "hsproject.json").read_text())
    source = tmp_path / project["srcDir"]
    app = json.loads((source / "app/app-hsmeta.json").read_text())["config"]
    card = json.loads((source / "app/cards/answerback-hsmeta.json").read_text())["config"]
    assert app["permittedUrls"]["fetch"] == ["https://answers.acme.test:8443"]
    assert (source / card["entrypoint"].lstrip("/")).is_file()
    assert card["objectTypes"] == ["CONTACT"]
    assert not [one for one in app["auth"]["requiredScopes"] if "write" in one]


def test_zendesk_s_manifest_keeps_the_secret_from_browsers_and_other_hosts(tmp_path: Path) -> None:
    write_package("zendesk", URL.format(app="zendesk"), tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["domainWhitelist"] == ["answers.acme.test"]
    assert [(one["name"], one["secure"]) for one in manifest["parameters"]] == [("secret", True)]
    for place in manifest["location"]["support"].values():
        assert (tmp_path / place["url"]).is_file()
    words = json.loads((tmp_path / "translations/en.json").read_text())["app"]["parameters"]
    assert set(words) == {one["name"] for one in manifest["parameters"]}
    for logo in ("logo.png", "logo-small.png"):
        assert (tmp_path / "assets" / logo).read_bytes().startswith(b"\x89PNG")


def run_in_node(folder: Path, script: str) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here to run the card's own functions")
    done = subprocess.run(
        [node, "--input-type=module", "-e", script],
        cwd=folder, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_the_card_says_of_an_answer(package: Path) -> None:
    reading = next(package.rglob("reading.js"))
    module = reading.with_suffix(".mjs")
    shutil.copyfile(reading, module)
    script = f"""
      import * as say from {json.dumps(module.as_uri())};
      const card = {json.dumps(CARD)}, empty = {json.dumps(EMPTY)};
      const told = (one) => [say.isEmpty(one), say.headline(one), say.trend(one),
                             say.occasion(one, "en-GB"), say.safeLink(one)];
      const bad = {{...card, direction: null, link: "javascript:alert(1)"}};
      console.log(JSON.stringify([told(card), told(empty), say.headline(bad), say.safeLink(bad),
                                  [401, 404, 429, 500].map(say.failure)]));
    """
    full, empty, single, unsafe, failures = run_in_node(package, script)
    assert full == [False, "9 ↑", "7 → 9", "Møde, 22 Nov 2026", "https://forms.example/r2"]
    assert empty == [True, "", "", "", None]
    assert (single, unsafe, len(set(failures))) == ("9", None, 4)


def test_zendesk_is_handed_the_claims_and_never_the_secret_s_value(tmp_path: Path) -> None:
    write_package("zendesk", URL.format(app="zendesk"), tmp_path)
    source = tmp_path / "assets" / "request.js"
    shutil.copyfile(source, source.with_suffix(".mjs"))
    script = f"""
      import {{contactPath, requestFor}} from {json.dumps(source.with_suffix(".mjs").as_uri())};
      const asked = {{address: "https://a.test", contact: 501, subdomain: "acme", mark: "m"}};
      console.log(JSON.stringify([requestFor(asked), contactPath("user_sidebar"),
                                  contactPath("ticket_sidebar")]));
    """
    request, beside_user, beside_ticket = run_in_node(tmp_path, script)
    assert request["jwt"]["claims"] == {"iss": "acme", "jti": "m", "contact": "501"}
    assert (request["secure"], request["jwt"]["secret_key"]) == (True, "{{setting.secret}}")
    assert request["headers"] == {"Authorization": "Bearer {{jwt.token}}"}
    assert (beside_user, beside_ticket) == ("user.id", "ticket.requester.id")


@pytest.fixture
def answerback(settings: Any, database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    clients = {
        f"ANSWERBACK_{app.upper()}_CLIENT_{part}": "demo"
        for app in CARDS
        for part in ("ID", "SECRET")
    }
    own = {**engine_environ(settings), "ANSWERBACK_KEKS": KEKS, **clients}
    for name, value in own.items():
        monkeypatch.setenv(name, value)

    def run(*words: str, code: int = 0, **options: Any) -> Any:
        result = CliRunner().invoke(main, ["--json", *map(str, words)], **options)
        assert result.exit_code == code, result.output
        return json.loads(result.output[result.output.index("{") :]) if code == 0 else result.output

    return run


def test_an_operator_makes_a_card_and_its_package_and_ends_it(
    answerback: Any, database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answerback("workspace", "create", "acme", "--owner", "o@example.test", "--country", "DK")
    answerback("connect", "acme", "zendesk", "--set", "subdomain=acme")
    assert "not_found" in answerback("card", "package", "acme", "zendesk", tmp_path / "p", code=1)
    made = answerback("card", "save", "acme", "zendesk", "--comments")
    assert made["secret"]
    assert "https" in answerback("card", "package", "acme", "zendesk", tmp_path / "p", code=1)
    monkeypatch.setenv("PUBLIC_URL", "https://answers.acme.test")
    told = answerback("card", "package", "acme", "zendesk", tmp_path / "p")
    with zipfile.ZipFile(told["zip"]) as archive:
        assert "manifest.json" in archive.namelist()
    assert "not empty" in answerback("card", "package", "acme", "zendesk", tmp_path / "p", code=1)
    again = answerback("card", "save", "acme", "zendesk", "--link", "https://a.test/{contact}")
    assert (again["secret"], again["comments"]) == (None, False)
    answerback("card", "remove", "acme", "zendesk")
    with database.across() as store:
        assert store.execute(text("SELECT count(*) FROM ab_card(''::bytea)")).scalar_one() == 0


def test_an_operator_enters_the_secret_of_hubspot_s_app(answerback: Any) -> None:
    answerback("workspace", "create", "acme", "--owner", "o@example.test", "--country", "DK")
    answerback("connect", "acme", "hubspot")
    address = answerback("card", "save", "acme", "hubspot")["url"]
    made = answerback("card", "save", "acme", "hubspot", "--with-secret", input="the-secret\n")
    assert (made["secret"], made["url"]) == (None, address)
    output = answerback("card", "save", "acme", "hubspot", "--link", "http://a.test", code=2)
    assert "https://" in output
