"""Runs one engine as the right user and never longer than whoever started it. A script of its own.

    python child.py JSON        {"argv": [...], "parent": pid, "signal": n, "as": null | {...},
                                 "watch": null | fd, "status": null | fd}

Steps: 1. become the user asked for (PostgreSQL refuses to run as root); 2. see to it that the
parent's death, kill -9 included, sends us `signal`; 3. become the engine. On Linux the kernel does
step 2 (PR_SET_PDEATHSIG, which a change of user clears, hence the order), and the engine keeps this
process's pid. Elsewhere this process stays and watches a pipe of which the parent alone holds the
other end.

Being a script, it imports the standard library only and is started with -I -S: 15 ms.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
from typing import Any

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


def main(order: dict[str, Any]) -> None:
    _become(order["as"])
    if "probe" in order:
        sys.exit(0 if all(os.access(path, mode) for path, mode in order["probe"]) else 1)
    if order["watch"] is None:
        _die_with(order["parent"], order["signal"])
        os.execv(order["argv"][0], order["argv"])  # noqa: S606 - the argv is ours, no shell wanted
    _watch(order)


def _become(user: dict[str, int] | None) -> None:
    """`{"inner": uid}`: a namespace in which root is `inner`; `{"uid", "gid"}`: another user."""
    if user is None:
        return
    if "inner" in user:
        _enter_namespace(user["inner"])
        return
    os.setgroups([])
    os.setgid(user["gid"])
    os.setuid(user["uid"])


def _enter_namespace(inner: int) -> None:
    """Our root stays the owner of its files, closed folders too, but is called `inner` inside."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inner} {uid} 1")
    _write("/proc/self/gid_map", f"{inner} {gid} 1")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib doubles the start time
        file.write(text)


def _die_with(parent: int, number: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before the kernel was told
        os._exit(1)


def _watch(order: dict[str, Any]) -> None:
    pid = os.fork()
    if pid == 0:
        os.execv(order["argv"][0], order["argv"])  # noqa: S606
    os.write(order["status"], f"{pid}\n".encode())
    os.close(order["status"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda caught, _frame: os.kill(pid, caught))
    while not _ended(pid):
        readable, _, _ = select.select([order["watch"]], [], [], 0.2)
        if readable:  # end of file: the parent is gone
            os.kill(pid, order["signal"])
            os.waitpid(pid, 0)
            return


def _ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] != 0


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
