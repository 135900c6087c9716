"""The control endpoints of a simulator, for tests, the demo and checkers. No authentication,
never logged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.kit.messages import HTML_TYPE, Answer, BadBody, Request
from simulators.kit.pages import STYLE, page
from simulators.kit.simulator import Simulator

PREFIX = "/__sim__/"
STYLE_PATH = "/__sim__/page.css"


def is_control(request: Request) -> bool:
    """Whether a call is for us and not for the simulated service."""
    return request.path.startswith(PREFIX) or (request.method == "GET" and request.path == "/")


def control(simulator: Simulator, request: Request) -> Answer:
    """The answer to a control call; 400 says what was not understood."""
    act = _ACTS.get((request.method, request.path))
    if act is None:
        return Answer(404, {"error": "no such control endpoint"})
    try:
        with simulator.lock:
            return act(simulator, request)
    except (BadBody, ValueError, KeyError, TypeError, AttributeError) as exc:
        return Answer(400, {"error": f"{type(exc).__name__}: {exc}"})


def _reset(simulator: Simulator, _request: Request) -> Answer:
    simulator.reset()
    return Answer(200, {})


def _seed(simulator: Simulator, request: Request) -> Answer:
    return Answer(200, simulator.seed(request.json()))


def _fault(simulator: Simulator, request: Request) -> Answer:
    simulator.faults.order(request.json())
    return Answer(200, {})


def _clock(simulator: Simulator, request: Request) -> Answer:
    simulator.clock.offset_s = float(request.json()["offset_s"])
    return Answer(200, {"now": simulator.clock.iso()})


def _options(simulator: Simulator, request: Request) -> Answer:
    told: dict[str, Any] = request.json()
    unknown = told.keys() - simulator.options.keys()
    if unknown:
        return Answer(
            400, {"error": f"unknown options {sorted(unknown)}", "known": sorted(simulator.options)}
        )
    simulator.options.update(told)
    simulator.options_changed()
    return Answer(200, simulator.options)


def _oauth(simulator: Simulator, request: Request) -> Answer:
    return Answer(200, simulator.oauth_control(request.json()))


def _log(simulator: Simulator, request: Request) -> Answer:
    since = int(request.asked("since", "0"))
    return Answer(200, {"requests": simulator.log.listing(since=since, kind=request.asked("kind"))})


def _state(simulator: Simulator, _request: Request) -> Answer:
    return Answer(200, simulator.state())


def _page(simulator: Simulator, request: Request) -> Answer:
    text = page(simulator.name, simulator.shown(), query=request.asked("q"), style=STYLE_PATH)
    return Answer(200, text, {"Content-Security-Policy": "default-src 'self'"}, HTML_TYPE)


def _style(_simulator: Simulator, _request: Request) -> Answer:
    return Answer(200, STYLE, {}, "text/css;charset=utf-8")


_ACTS: dict[tuple[str, str], Callable[[Simulator, Request], Answer]] = {
    ("POST", PREFIX + "reset"): _reset,
    ("POST", PREFIX + "seed"): _seed,
    ("POST", PREFIX + "fault"): _fault,
    ("POST", PREFIX + "clock"): _clock,
    ("POST", PREFIX + "options"): _options,
    ("POST", PREFIX + "oauth"): _oauth,
    ("GET", PREFIX + "log"): _log,
    ("GET", PREFIX + "state"): _state,
    ("GET", STYLE_PATH): _style,
    ("GET", "/"): _page,
}
