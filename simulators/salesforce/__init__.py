"""A simulated Salesforce org: `python -m simulators.salesforce`, or `running(Salesforce())`."""

from simulators.salesforce.service import Salesforce

__all__ = ["Salesforce"]
