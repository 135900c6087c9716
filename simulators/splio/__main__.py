"""The simulated Splio as a process of its own: `python -m simulators.splio --port 0`."""

from simulators.kit.main import main
from simulators.splio.service import Splio

if __name__ == "__main__":
    main(Splio)
