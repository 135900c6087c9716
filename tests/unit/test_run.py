"""./run: says what it does, needs only Python, and makes .venv again only when it must."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECLARED = '[project]\nname = "it"\n[tool.ruff]\nline-length = 100\n'
LOCK = """\
alembic==1.0 \\
    --hash=sha256:aa
uv==0.1.2 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
zenpy==2.0
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, on a checkout of its own with a lock of two packages."""
    loader = importlib.machinery.SourceFileLoader("run_script", str(ROOT / "run"))
    spec = importlib.util.spec_from_loader("run_script", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    (tmp_path / "requirements.lock").write_text(LOCK, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(DECLARED, encoding="utf-8")
    for name, place in {"ROOT": "", "LOCK": "requirements.lock", "VENV": ".venv"}.items():
        monkeypatch.setattr(module, name, tmp_path / place)
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "answerback-lock")
    return module


@pytest.fixture
def installs(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often .venv was made; nothing is fetched."""
    made: list[str] = []

    def install() -> None:
        script.VENV.mkdir(exist_ok=True)
        made.append("made")

    monkeypatch.setattr(script, "install", install)
    return made


def test_a_second_start_does_not_make_the_environment_again(
    script: ModuleType, installs: list[str]
) -> None:
    script.prepare()
    script.prepare()
    assert installs == ["made"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.lock", LOCK + "# changed\n"),
        ("pyproject.toml", DECLARED.replace('"it"', '"other"')),
    ],
)
def test_a_changed_lock_or_declaration_makes_it_again(
    script: ModuleType, installs: list[str], *, name: str, text: str
) -> None:
    script.prepare()
    (script.ROOT / name).write_text(text, encoding="utf-8")
    script.prepare()
    assert installs == ["made", "made"]


def test_a_change_of_a_tools_settings_does_not(script: ModuleType, installs: list[str]) -> None:
    script.prepare()
    changed = DECLARED.replace("100", "99")
    (script.ROOT / "pyproject.toml").write_text(changed, encoding="utf-8")
    script.prepare()
    assert installs == ["made"]


def test_a_moved_checkout_makes_it_again(script: ModuleType, installs: list[str]) -> None:
    script.prepare()
    moved = script.STAMP.read_text(encoding="utf-8").replace(str(script.ROOT), "/elsewhere")
    script.STAMP.write_text(moved, encoding="utf-8")
    script.prepare()
    assert installs == ["made", "made"]


def test_an_install_that_was_killed_is_done_again(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed() -> None:
        script.VENV.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "install", killed)
    with pytest.raises(KeyboardInterrupt):
        script.prepare()
    assert not script.STAMP.exists()


def test_uv_is_taken_from_the_lock_with_its_hashes(script: ModuleType) -> None:
    assert script.uv_lines() == LOCK[LOCK.index("uv==") : LOCK.index("zenpy")]


def test_the_real_lock_holds_uv() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"^uv==", lines, re.MULTILINE)


@pytest.mark.parametrize(
    ("system", "libc", "machine", "word"),
    [
        ("win32", "", "AMD64", "WSL"),
        ("linux", "", "x86_64", "musl"),
        ("linux", "glibc", "riscv64", "riscv64"),
    ],
)
def test_a_machine_that_cannot_run_it_is_told_why(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    *,
    system: str,
    libc: str,
    machine: str,
    word: str,
) -> None:
    monkeypatch.setattr(script.sys, "platform", system)
    monkeypatch.setattr(script.platform, "libc_ver", lambda: (libc, "2.36"))
    monkeypatch.setattr(script.platform, "machine", lambda: machine)
    assert word in script.why_not_here()


def test_this_machine_can_run_it(script: ModuleType) -> None:
    assert script.why_not_here() is None


def test_without_a_command_it_says_which_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    for command in ("demo", "test", "check", "serve", "bench", "prove", "lock"):
        assert f"./run {command}" in done.stdout


def test_an_old_python_is_told_which_one_is_needed(tmp_path: Path) -> None:
    """Run by this Python as if it were 3.9, with no newer one on the PATH."""
    program = (
        "import sys, runpy; sys.version_info = (3, 9, 1); sys.version = '3.9.1'\n"
        f"sys.argv = ['run', 'test']; runpy.run_path({str(ROOT / 'run')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "run: Python 3.11 or newer is needed; this is 3.9.1\n"


def test_an_old_python_hands_over_to_a_newer_one_on_the_path(tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text('#!/bin/sh\necho "newer: $*"\n', encoding="utf-8")
    newer.chmod(0o755)
    program = (
        "import sys, runpy; sys.version_info = (3, 9, 1)\n"
        f"sys.argv = ['run', 'test']; runpy.run_path({str(ROOT / 'run')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"newer: {ROOT / 'run'} test\n"


def test_every_check_runs_even_after_one_has_failed(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def two_checks() -> list[tuple[str, list[str]]]:
        return [("first", ["-c", "raise SystemExit('why')"]), ("second", ["-c", ""])]

    monkeypatch.setattr(script, "checks", two_checks)
    monkeypatch.setattr(script, "PYTHON", Path(sys.executable))
    assert script.check([]) == 1
    shown = capsys.readouterr().out
    assert "FAILED  first" in shown
    assert "why" in shown
    assert "ok      second" in shown


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-2:] == ["./run check", "./run test"]
