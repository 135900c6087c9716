"""Odoo's adapter keeps the port's promises, in every version that differs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.contract import AdapterContract
from tests.adapters.odoo_bench import VERSIONS, OdooBench, served


@pytest.fixture(params=VERSIONS)
def bench(request: pytest.FixtureRequest) -> Iterator[OdooBench]:
    with served(request.param) as one:
        yield one


class TestContract(AdapterContract):
    """The promises of every adapter."""
