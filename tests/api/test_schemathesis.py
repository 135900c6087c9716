"""Made-up requests over the whole description: never a 500, always what is described."""

from __future__ import annotations

import socket
from typing import Any
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis import checks as all_checks

from tests.api.test_access import one_of_everything

EXAMPLES = 5


def test_made_up_requests_get_what_the_description_says(app, alice, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", _only_loopback(socket.getaddrinfo))
    _run(app, alice, EXAMPLES)


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_made_up_requests_by_the_thousand_get_what_the_description_says(app, alice, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", _only_loopback(socket.getaddrinfo))
    _run(app, alice, 200)


def _run(app: Any, alice: Any, examples: int) -> None:
    described = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    known = one_of_everything(alice)
    faults = []
    for found in described.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            fault = _fault_of(operation, alice, mode=mode, known=known, examples=examples)
            if fault:
                faults.append(f"{operation.label} ({mode.value}): {fault}")
    assert not faults, "\n\n".join(faults)


def _fault_of(
    operation: Any, alice: Any, *, mode: GenerationMode, known: dict[str, int], examples: int
) -> str | None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            # Made-up ids lead to nothing; with these the operations find something to work on.
            ours = {name: known[name] for name in case.path_parameters if name in known}
            case.path_parameters.update(ours)
        headers = {"Authorization": f"Bearer {alice.key}"}
        case.call_and_validate(headers=headers, excluded_checks=_not_ours())

    try:
        holds()
    except SkipTest:
        return None  # nothing about this operation can be made wrong
    except (Exception, BaseExceptionGroup) as exc:  # noqa: BLE001 - each is a line of the report
        inner = getattr(exc, "exceptions", (exc,))
        return " | ".join(f"{type(one).__name__}: {one}"[:1200] for one in inner)
    return None


def _not_ours() -> list[Any]:
    """Checks that do not fit.

    A key is always sent, so auth is not tried here (test_access.py does). What a mapping or an
    expression may say is more than a schema can tell: valid by the schema is not always accepted.
    """
    names = ("ignored_auth", "positive_data_acceptance")
    return [all_checks.CHECKS.get_one(name) for name in names]


def _only_loopback(real: Any) -> Any:
    """Names resolve to nothing but this machine, whatever network the tests run in."""

    def resolved(host: Any, *rest: Any, **options: Any) -> Any:
        if host not in {"localhost", "127.0.0.1", "::1", None}:
            raise socket.gaierror(socket.EAI_NONAME, "no such name in a test")
        return real(host, *rest, **options)

    return resolved
