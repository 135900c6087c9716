"""The simulated Adobe Campaign as a process of its own: `python -m simulators.adobe --port 0`."""

from simulators.adobe.service import AdobeCampaign
from simulators.kit.main import main

if __name__ == "__main__":
    main(AdobeCampaign)
