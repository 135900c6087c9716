"""No body breaks an endpoint, by what it says or by how it is sent; memory stays flat."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import workspaces
from connector.access import ACCESS
from tests.api.test_access import path_of
from tests.api.test_responses import body
from tests.faults.processes import Processes, free_port

UNSAFE = [route for route, rule in ACCESS.items() if route[0] != "GET" and rule.right is not None]
MALICE = {
    "depth": b"[" * 100_000,
    "closed depth": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "digits": b'{"name":' + b"9" * 5_000 + b"}",
    "NaN": b'{"name":NaN}',
    "duplicates": b'{"name":"a","name":"b"}',
    "NUL": b'{"name":"\\u0000"}',
    "surrogate": b'{"name":"\\ud800"}',
    "not UTF-8": b'{"name":"\xff"}',
    "no JSON": b"<xml/>",
    "a list": b"[1]",
    "a text": b'"x"',
    "null": b"null",
    "wrong types": b'{"name":{"a":[1]},"rows":7,"app":[],"questions":{},"then":"x","email":5}',
    "long texts": json.dumps({"name": "x" * 300_000, "external_id": "y" * 300_000}).encode(),
    "unknown keys": b'{"nope":"canary"}',
    "control signs": b'{"name":"\\u0007\\u202e","external_id":"\\u0001"}',
}


@pytest.mark.parametrize("raw", MALICE.values(), ids=MALICE.keys())
def test_fault_45_no_endpoint_breaks_at_hostile_json(alice, raw):
    broken = []
    for method, rule in UNSAFE:
        answer = alice.call(
            method, path_of(rule), data=raw, headers={"Content-Type": "application/json"}
        )
        has_answer = answer.status_code < 500 and "canary" not in answer.text
        if not has_answer or (answer.status_code >= 400 and not answer.json["mend"]):
            broken.append((method, rule, answer.status_code))
    assert broken == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Encoding": "gzip"}, 415, "encoding_refused"),
        ({"Content-Encoding": "identity, gzip"}, 415, "encoding_refused"),
        ({"Content-Type": "text/plain"}, 415, "media_type_refused"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "media_type_refused"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415, "media_type_refused"),
    ],
)
def test_fault_44_other_encodings_and_types_are_refused(alice, headers, status, code):
    for path in ("/responses", "/contacts", "/mappings"):
        kinds = {"Content-Type": "application/json", **headers}
        answer = alice.post(path, data=b"{}", headers=kinds)
        assert (answer.status_code, answer.json["code"]) == (status, code)


def test_fault_44_one_response_of_more_than_256_kib_is_refused(alice):
    large = body("r1", answers={"why": {"type": "text", "value": "x" * 90_000}}) | {
        "hidden": {str(n): "x" * 90_000 for n in range(3)}
    }
    answer = alice.post("/responses", large)
    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


def test_fault_44_in_a_batch_only_the_large_response_is_refused(alice):
    large = body("large", hidden={str(n): "x" * 90_000 for n in range(3)})
    answer = alice.post("/responses", [body("a"), large, body("b")])
    assert [item["status"] for item in answer.json["items"]] == ["accepted", "invalid", "accepted"]
    assert answer.json["items"][1]["errors"][0]["code"] == "json_too_large"


@pytest.fixture
def web(child_environ, database) -> Iterator[tuple[int, str, int]]:
    """A real web process: its port, a key, its pid."""
    key = workspaces.found(database, slug="web", name="Web", owner_email="o@example.test").key
    processes, port = Processes(child_environ), free_port()
    process = processes.web("granian", port)
    yield port, key.secret.reveal(), process.pid
    processes.end()


def send(port: int, key: str, head: str, *parts: bytes) -> tuple[int, float]:
    """The status of a raw request, and how long it took from the last byte."""
    start = f"POST /api/v1/responses HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {key}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(f"{start}Content-Type: application/json\r\n{head}\r\n\r\n".encode())
        try:
            for part in parts:
                peer.sendall(part)
            peer.shutdown(socket.SHUT_WR) if parts and parts[-1] == b"" else None
        except OSError:
            pass  # refused before we were through
        began = time.monotonic()
        answer = peer.recv(4096)
    return int(answer.split(b" ")[1]) if answer else 0, time.monotonic() - began


def memory_kib(pid: int) -> int:
    """The resident memory of a process and its children."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    texts = (Path(f"/proc/{one}/status").read_text() for one in pids)
    lines = (line for text in texts for line in text.split("\n") if line.startswith("VmRSS"))
    return sum(int(line.split()[1]) for line in lines)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_fault_44_a_real_web_process_refuses_large_and_lying_bodies_with_flat_memory(web):
    port, key, pid = web
    good = json.dumps(body()).encode()
    assert send(port, key, f"Content-Length: {len(good)}", good)[0] == 202
    before = memory_kib(pid)
    announced, took_s = send(port, key, "Content-Length: 1000000000")
    assert (announced, took_s < 0.5) == (413, True)
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    assert send(port, key, "Transfer-Encoding: chunked", *[chunk] * 40)[0] in {413, 0}
    bomb = gzip.compress(b"[" + b"0," * 50_000_000 + b"0]", 9)
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}"
    assert send(port, key, head, bomb)[0] == 415
    assert send(port, key, f"Content-Length: {len(good) + 50}", good, b"")[0] in {400, 0}
    assert send(port, key, f"Content-Length: {len(good) - 9}", good)[0] == 400
    assert memory_kib(pid) - before < 40_000
    again = json.dumps(body("still here")).encode()
    assert send(port, key, f"Content-Length: {len(again)}", again)[0] == 202
