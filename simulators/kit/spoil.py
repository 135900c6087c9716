"""Answers that go wrong after the call was applied, one function per kind of faults.py."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from typing import Any, Protocol

from simulators.kit.messages import HTML_TYPE, Answer

MEGABYTE = 1024 * 1024
DEFAULT_MEGABYTES = 300
DRIP_S = 0.2
LOGIN_PAGE = "<!doctype html><html><head><title>Log in</title></head><body>Log in</body></html>"
BROKEN = b'{"results": [{"id": "1", '


class Line(Protocol):
    """The server's end of one connection."""

    def send(self, answer: Answer) -> None: ...
    def head(self, answer: Answer, *, length: int) -> bytes: ...
    def write(self, content: bytes) -> None: ...
    def reset(self) -> None: ...
    def reset_softly(self) -> None: ...


def _drop(line: Line, _answer: Answer, _value: Any) -> None:
    line.reset()


def _half(line: Line, answer: Answer, _value: Any) -> None:
    line.write(line.head(answer, length=500) + answer.payload()[:7])
    line.reset_softly()


def _bad_json(line: Line, answer: Answer, _value: Any) -> None:
    line.send(Answer(answer.status, BROKEN, answer.headers, answer.content_type))


def _html(line: Line, _answer: Answer, _value: Any) -> None:
    line.send(Answer(200, LOGIN_PAGE, {}, HTML_TYPE))


def _empty(line: Line, answer: Answer, _value: Any) -> None:
    line.send(Answer(200, b"", answer.headers, answer.content_type))


def _wrong_type(line: Line, answer: Answer, _value: Any) -> None:
    line.send(Answer(answer.status, answer.payload(), answer.headers, "text/plain;charset=utf-8"))


def _slow(line: Line, answer: Answer, value: Any) -> None:
    time.sleep(float(value))
    line.send(answer)


def _drip(line: Line, answer: Answer, value: Any) -> None:
    payload = answer.payload()
    line.write(line.head(answer, length=len(payload)))
    pause_s = DRIP_S if value is True else float(value)
    for place in range(len(payload)):
        time.sleep(pause_s)
        line.write(payload[place : place + 1])


def _huge(line: Line, answer: Answer, value: Any) -> None:
    size = _bytes(value)
    line.write(line.head(answer, length=size) + b'{"results":"')
    block = b"x" * 65_536
    for _ in range(size // len(block)):
        line.write(block)


def _gzip_bomb(line: Line, answer: Answer, value: Any) -> None:
    headers = {**answer.headers, "Content-Encoding": "gzip"}
    packed = gzip.compress(bytes(_bytes(value)), 1)
    line.send(Answer(answer.status, packed, headers, answer.content_type))


def _bytes(value: Any) -> int:
    return (DEFAULT_MEGABYTES if value is True else int(value)) * MEGABYTE


SPOILERS: dict[str, Callable[[Line, Answer, Any], None]] = {
    "drop_after": _drop,
    "half_after": _half,
    "bad_json_after": _bad_json,
    "html_after": _html,
    "empty_after": _empty,
    "wrong_type_after": _wrong_type,
    "slow_after": _slow,
    "drip": _drip,
    "huge_after": _huge,
    "gzip_bomb_after": _gzip_bomb,
}
