"""The simulated Salesforce, whole."""

from __future__ import annotations

from simulators.salesforce.batches import Batches
from simulators.salesforce.composite import Composite
from simulators.salesforce.login import Login
from simulators.salesforce.tooling import Tooling


class Salesforce(Batches, Composite, Tooling, Login):
    """All routes of the org."""
