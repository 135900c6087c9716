"""`python -m simulators.hubspot --port 0` serves one simulated portal."""

from simulators.hubspot.service import HubSpot
from simulators.kit.main import main

main(HubSpot)
