"""Tasks at Odoo are activities: how many calls they cost, and whose they are."""

from __future__ import annotations

from datetime import date

import pytest

from adapters.values import Task
from schemas.odoo import PARTNER
from tests.adapters.odoo_bench import people, served


@pytest.mark.parametrize(("version", "creates"), [(11, 3), (16, 1)])
def test_many_activities_are_one_create_where_odoo_takes_lists(version: int, creates: int) -> None:
    with served(version) as bench:
        ids = bench.seed(people(3))
        tasks = [
            Task(f"t{n}", one, f"mark-{n}", "Call", "Why?", date(2026, 11, 24))
            for n, one in enumerate(ids)
        ]
        before = len(bench.calls())
        outcomes = bench.adapter().task(PARTNER, tasks).outcomes
        assert len({one.remote_id for one in outcomes}) == 3
        assert bench.kinds(before).count("write") == creates
        assert len(bench.kinds(before)) == 2 + creates
