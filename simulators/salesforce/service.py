"""The simulated Salesforce, whole."""

from __future__ import annotations

from simulators.salesforce.bulk import Bulk
from simulators.salesforce.composite import Composite
from simulators.salesforce.login import Login
from simulators.salesforce.tooling import Tooling


class Salesforce(Bulk, Composite, Tooling, Login):
    """All routes of the org."""
