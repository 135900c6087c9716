"""The Salesforce adapter keeps the port's promises against the simulated org."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.values import Identity
from tests.adapters.contract import AdapterContract, Bench
from tests.adapters.salesforce_org import Org, served


@pytest.fixture
def org() -> Iterator[Org]:
    with served() as one:
        yield one


@pytest.fixture
def bench(org: Org) -> Bench:
    return org.bench


class TestSalesforce(AdapterContract):
    """All promises of the port."""

    def test_the_probe_names_org_and_user(self, org: Org) -> None:
        identity = org.make().probe()
        assert identity == Identity(
            account_id=org.bench.control("state")["org_id"],
            account_name="Answerback demo org",
            user_id=identity.user_id,
        )
        assert identity.user_id.startswith("005")
