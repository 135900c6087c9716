"""What a worker does once, so that its work-horses need not do it at every job."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEEDED_BY_JOBS = """
import sys
from connector import workers
workers.import_before_the_forks()
before = set(sys.modules)
import connector.jobs, adapters.hubspot.adapter, adapters.salesforce.adapter
print(len(set(sys.modules) - before))
"""


def test_a_work_horse_imports_nothing_of_ours_anew() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NEEDED_BY_JOBS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "0"
