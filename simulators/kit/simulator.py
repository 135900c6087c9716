"""A simulated service: routes declared on methods, options, a clock, and the control endpoints of
tests.

A CRM subclasses Simulator, declares its routes with `@route`, builds its state in `set_up` (called
at the start and at every reset) and overrides what is worded its own way. Every handler runs under
one lock; latency and faults happen outside it.

Control, never counted among the calls: POST /__sim__/reset, seed, fault, clock, options, oauth; GET
log, state.
"""

from __future__ import annotations

import random
import re
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar
from urllib.parse import unquote

from simulators.kit.clock import Clock
from simulators.kit.faults import Faults
from simulators.kit.log import CallLog
from simulators.kit.messages import Answer, BadBody, Refused, Request
from simulators.kit.pages import Shown

Handler = TypeVar("Handler", bound=Callable[..., Answer])
SHARED_DEFAULTS: dict[str, Any] = {
    "latency_ms": 0,
    "access_ttl_s": 1800,
    "code_ttl_s": 600,
    "rotate_refresh": False,
    "omit_refresh": False,
    "deny_authorize": False,
    "require_pkce": False,
    "clients": {"demo-client": {"secret": "demo-secret"}},
    "removed_scopes": [],
}


def route(method: str, pattern: str, *, kind: str = "other") -> Callable[[Handler], Handler]:
    """Declare a method as the handler of a path. Named groups of the pattern arrive in
    `request.params`.

    `kind`: read, write, note, tag, job, oauth, schema or other; the log counts calls by it.
    """

    def mark(handler: Handler) -> Handler:
        routes = getattr(handler, "routes", [])
        handler.routes = [*routes, (method, re.compile(pattern), kind)]  # type: ignore[attr-defined]
        return handler

    return mark


class Simulator:
    """One simulated service."""

    name: ClassVar[str] = "simulator"
    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, *, seed: int = 1, options: dict[str, Any] | None = None) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self.base_url = ""
        self._seed = seed
        self._start_options = {**SHARED_DEFAULTS, **self.defaults, **(options or {})}
        self._routes = self._declared_routes()
        self.reset()

    # --- what a CRM overrides ------------------------------------------------------------------

    def set_up(self) -> None:
        """Build the state of a fresh account: records, field definitions, OAuth server, quotas."""

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        """Put records in as they were there all along; answer what was made (ids)."""
        raise NotImplementedError

    def records(self) -> dict[str, Any]:
        """Everything the account holds, for the checker: contacts with fields, tags and notes."""
        return {}

    def shown(self) -> list[Shown]:
        """The contacts of the page, those written last first."""
        return []

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        """Orders to the OAuth server: see `AuthorizationServer.control`."""
        raise NotImplementedError

    def options_changed(self) -> None:
        """Called after options changed, for what cannot read them each time (quotas)."""

    def before(self, request: Request) -> Answer | None:
        """Called for each known route under the lock: authentication, quotas. An answer ends the
        call.
        """
        del request
        return None

    def finish(self, request: Request, answer: Answer) -> Answer:
        """Called with each handler's answer: common headers."""
        del request
        return answer

    def throttled(self, request: Request, wait_s: float) -> Answer:
        """429 in the CRM's own words."""
        del request
        return Answer(429, {"error": "too_many_requests"}, {"Retry-After": str(int(wait_s))})

    def failed(self, request: Request, status: int) -> Answer:
        """A server error in the CRM's own words."""
        del request
        return Answer(status, {"error": "server_error"})

    def bad_body(self, request: Request) -> Answer:
        """400 for a body that cannot be read."""
        del request
        return Answer(400, {"error": "invalid_body"})

    def no_route(self, request: Request) -> Answer:
        """404 for a path nobody serves."""
        del request
        return Answer(404, {"error": "not_found"})

    # --- the machinery ----------------------------------------------------------------------------

    def reset(self) -> None:
        """Everything as at the start: state, options, clock, log, faults."""
        with self.lock:
            self.rng = random.Random(self._seed)
            self.options: dict[str, Any] = dict(self._start_options)
            self.clock.offset_s = 0.0
            self.log = CallLog()
            self.faults = Faults(random.Random(self._seed + 1))
            self.set_up()

    def dispatch(self, request: Request) -> Answer:
        """Find the handler and run it under the lock. A bug in a handler is a 500 and a trace on
        stderr.
        """
        with self.lock:
            try:
                return self._handled(request)
            except Refused as refused:
                return self.finish(request, refused.answer)
            except BadBody:
                return self.finish(request, self.bad_body(request))
            except Exception:  # noqa: BLE001 - a simulator must go on serving; the trace is the report
                traceback.print_exc(file=sys.stderr)
                return Answer(500, {"simulator": "a handler failed, see its stderr"})

    def meddle(self, told: dict[str, Any]) -> None:
        """What somebody else does in the account between two calls: `seed`, `options`, `oauth`."""
        with self.lock:
            if "seed" in told:
                self.seed(told["seed"])
            if "options" in told:
                self.options.update(told["options"])
                self.options_changed()
            if "oauth" in told:
                self.oauth_control(told["oauth"])

    def classify(self, request: Request) -> None:
        """Set the request's kind and params by its route, before any fault."""
        found = self._find(request)
        if found is not None:
            _, request.kind, request.params = found

    def state(self) -> dict[str, Any]:
        """What a checker reads: records, history of writes, counts."""
        with self.lock:
            return {
                **self.records(),
                "history": dict(self.log.history),
                "counts": self.log.counts(),
                "faults": dict(self.log.faults),
                "applied_then_lost": self.log.applied_then_lost,
                "token_refreshes": self.log.token_refreshes,
                "options": self.options,
            }

    def _handled(self, request: Request) -> Answer:
        found = self._find(request)
        if found is None:
            return self.finish(request, self.no_route(request))
        handler, request.kind, request.params = found
        early = self.before(request)
        return self.finish(request, early if early is not None else handler(request))

    def _find(self, request: Request) -> tuple[Callable[..., Answer], str, dict[str, str]] | None:
        for method, pattern, kind, handler in self._routes:
            if method == request.method and (match := pattern.fullmatch(request.path)):
                params = {
                    name: unquote(text)
                    for name, text in match.groupdict().items()
                    if text is not None
                }
                return handler, kind, params
        return None

    def _declared_routes(self) -> list[tuple[str, re.Pattern[str], str, Callable[..., Answer]]]:
        found = []
        for name in dir(type(self)):
            for method, pattern, kind in getattr(getattr(type(self), name), "routes", []):
                found.append((method, pattern, kind, getattr(self, name)))
        # The pattern with the longest fixed text is the most particular: /batch/read before /{id}.
        return sorted(
            found, key=lambda one: -len(re.sub(r"\(\?P<[^)]*\)|\[[^]]*\]\+?", "", one[1].pattern))
        )
