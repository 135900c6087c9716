"""wsgi.py under the two servers that it names, and the Procfile that starts them."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from connector.engines.process import wait_until

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def served(child_environ: dict[str, str]) -> Iterator[Callable[[list[str]], str]]:
    """The base URL of wsgi.py under a server's command, in which {port} stands for a free one."""
    running: list[subprocess.Popen[bytes]] = []

    def serve(command: list[str]) -> str:
        port = free_port()
        argv = [part.format(port=port) for part in command]
        running.append(subprocess.Popen(argv, cwd=ROOT, env=child_environ))
        base_url = f"http://127.0.0.1:{port}"
        assert wait_until(lambda: answers(base_url), timeout_s=30)
        return base_url

    yield serve
    for server in running:
        server.terminate()
        server.wait(15)


def answers(base_url: str) -> bool:
    try:
        return requests.get(f"{base_url}/health", timeout=2).ok
    except requests.RequestException:
        return False


def procfile() -> dict[str, str]:
    text = (ROOT / "Procfile").read_text(encoding="utf-8")
    return dict(re.findall(r"^(\w+): (.+)$", text, re.MULTILINE))


def test_the_procfile_names_the_four_processes() -> None:
    assert set(procfile()) == {"release", "web", "worker", "scheduler"}


def test_granian_serves_it_as_the_procfile_says(served: Callable[[list[str]], str]) -> None:
    web = procfile()["web"].replace("$PORT", "{port}").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    web = re.sub(r"\$\{ANSWERBACK_WEB_\w+:-(\d+)\}", r"\1", web)
    base_url = served([str(BIN / web.split()[0]), *web.split()[1:]])
    assert requests.get(f"{base_url}/ready", timeout=10).status_code == 200


def test_gunicorn_serves_the_same_file(served: Callable[[list[str]], str], tmp_path: Path) -> None:
    control = ["--no-control-socket", "--worker-tmp-dir", str(tmp_path)]
    base_url = served(
        [
            str(BIN / "gunicorn"),
            "--bind",
            "127.0.0.1:{port}",
            "--threads",
            "2",
            *control,
            "wsgi:app",
        ]
    )
    assert requests.get(f"{base_url}/ready", timeout=10).status_code == 200
