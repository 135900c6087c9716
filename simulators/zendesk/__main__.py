"""The simulated Zendesk as a process of its own: `python -m simulators.zendesk --port 0`."""

from simulators.kit.main import main
from simulators.zendesk.service import Zendesk

if __name__ == "__main__":
    main(Zendesk)
