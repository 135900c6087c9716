"""The samples of docs/samples do what they say, against a running hub: those whose runtime is
there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from connector.settings import process_environ
from schemas.signatures import SCHEMES, signed

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
RUNTIMES: dict[str, tuple[str, ...]] = {
    "answerback.py": (sys.executable,),
    "answerback.mjs": ("node",),
    "answerback.php": ("php",),
    "Answerback.cs": ("dotnet", "run"),
    "answerback.sh": ("sh",),
}
NEEDS = {"answerback.sh": ("curl", "openssl")}
SECRET = "whsec_" + "QUJD" * 12


class Busy:
    """The app, whose every second answer to a POST is 503 or 429: send it again."""

    def __init__(self, app: Any) -> None:
        self.app, self.posts = app, 0

    def __call__(self, environ: Any, start: Any) -> Any:
        self.posts += environ["REQUEST_METHOD"] == "POST"
        if environ["REQUEST_METHOD"] == "POST" and self.posts % 2:
            status = 503 if self.posts % 4 == 1 else 429
            again = Response('{"code": "busy"}', status=status, headers={"Retry-After": "0"})
            return again(environ, start)
        return self.app(environ, start)


@pytest.fixture
def address(app) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, Busy(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(name: str, *words: str, given: bytes = b"", **environ: str) -> str:
    made = subprocess.run(
        [*RUNTIMES[name], str(SAMPLES / name), *words],
        input=given,
        env={**process_environ(), **environ},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr.decode()
    return made.stdout.decode().strip()


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_sample_pushes_asks_and_verifies(name, alice, address):
    for program in (RUNTIMES[name][0], *NEEDS.get(name, ())):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not there")
    hub = {"ANSWERBACK_URL": address, "ANSWERBACK_KEY": alice.key}
    pushed = json.loads(run(name, "push", "r-77", "c7@example.test", "9", **hub))
    assert (pushed["status"], pushed["response_id"]) == ("accepted", "r-77")
    asked = json.loads(run(name, "state", "r-77", **hub))
    assert asked["versions"][0]["state"] == "received"
    source = alice.post("/sources", {"name": "s"}).json
    hook = address + "/hooks/" + source["url"].split("/hooks/")[1]
    told = {"ANSWERBACK_HOOK": hook, "ANSWERBACK_SECRET": source["secret"]}
    given = json.loads(run(name, "signed", "r-78", "c8@example.test", "3", **told))
    assert given["items"][0]["status"] == "accepted"
    assert [verified(name), verified(name, b"changed"), verified(name, at=-400)] == [
        "good",
        "bad",
        "bad",
    ]


def verified(name: str, body: bytes | None = None, *, at: float = 0) -> str:
    """What the sample says of a message that is signed by two secrets, its own the second."""
    raw = '{"type": "webhook.test", "data": {"ø": 1}}\n'.encode()
    secrets = ("whsec_" + "REVG" * 12, SECRET)
    sent = signed(
        SCHEMES["standard"], raw, secrets=secrets, message_id="msg_1", now_s=time.time() + at
    )
    environ = {one.upper().replace("-", "_"): value for one, value in sent.items()}
    return run(name, "verify", given=body or raw, WEBHOOK_SECRET=SECRET, **environ)
