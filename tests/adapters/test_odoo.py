"""Odoo's adapter keeps the port's promises, in every version that differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapters.contract import AdapterContract, CallContract, RecordContract
from tests.adapters.odoo_bench import VERSIONS, OdooBench, served


def version_of(version: int) -> Any:
    """A version for the promises about calls: how a call ends differs in none of them, so the
    oldest and the newest are enough by day.
    """
    marks = () if version in {VERSIONS[0], VERSIONS[-1]} else (pytest.mark.prove,)
    return pytest.param(version, marks=marks)


@pytest.fixture(params=VERSIONS)
def bench(request: pytest.FixtureRequest) -> Iterator[OdooBench]:
    with served(request.param) as one:
        yield one


class TestContract(RecordContract):
    """The promises about what is read and written, in every version."""


class TestJSON2(AdapterContract):
    """All the promises, over the API that Odoo 19 brings."""

    @pytest.fixture
    def bench(self) -> Iterator[OdooBench]:
        with served(19, api="json2") as one:
            yield one


class TestCalls(CallContract):
    """The promises about how a call can end."""

    @pytest.fixture(params=[version_of(one) for one in VERSIONS])
    def bench(self, request: pytest.FixtureRequest) -> Iterator[OdooBench]:
        with served(request.param) as one:
            yield one
