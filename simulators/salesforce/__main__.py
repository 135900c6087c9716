"""`python -m simulators.salesforce --port 0`: the simulated Salesforce as a process."""

from simulators.kit.main import main
from simulators.salesforce import Salesforce

main(Salesforce)
